"""Where zeros go around a map, so that a window of any kernel and stride gives ceil(n / stride) pixels of n."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from fpngraph.feature import Padding


def steps(n: int, stride: int) -> int:
    """How many windows there are over ``n`` pixels: ceil(n / stride), for a symbolic ``n`` too."""
    return (n - 1) // stride + 1


def before(n: int, kernel: int, stride: int, padding: Padding) -> int:
    """Pixels of padding before the first of ``n``.

    ``symmetric``: (kernel - 1) // 2. ``same``: half of what the windows need in all, rounded down, as TensorFlow has
    it (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2).
    """
    if padding == "symmetric":
        return (kernel - 1) // 2
    if kernel == 1:
        return 0
    total = (steps(n, stride) - 1) * stride + kernel - n
    if kernel < stride:  # only then a window can end before the last pixel
        total = int_max(total, 0)
    return total // 2


def pad(x: Tensor, kernel: int, starts: tuple[int, int], value: float = 0.0) -> Tensor:
    """A copy of ``x`` with ``starts`` (rows, columns) before it and enough after it for every window.

    kernel - 1 pixels in all are enough for any size: the last window ends within them, and no further one fits.
    """
    if kernel == 1:
        return x
    rows, columns = starts
    return F.pad(x, (columns, kernel - 1 - columns, rows, kernel - 1 - rows), value=value)


def certain(condition: bool) -> bool:
    """Whether ``condition`` holds; while torch traces, only where it holds for every size that the trace is for.

    A plain ``if`` on a symbolic size would make a traced program valid for one parity of the size only.
    """
    if not torch.compiler.is_compiling():
        return condition
    from torch.fx.experimental.symbolic_shapes import statically_known_true

    return statically_known_true(condition)


def known(n: int) -> bool:
    """Whether ``n`` is a plain number: always, except while torch traces with sizes that may change."""
    if not torch.compiler.is_compiling():
        return True
    from torch.fx.experimental.symbolic_shapes import has_static_value

    return has_static_value(n)


def int_max(a: int, b: int) -> int:
    """The larger one, also of symbolic integers."""
    return cast(int, torch.sym_max(a, b))
