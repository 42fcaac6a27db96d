"""Where zeros go around a map, so that a window of any kernel and stride gives ceil(n / stride) pixels of n."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from fpngraph.feature import PaddingRule
from fpngraph.layers.tracing import at_least, certain


def steps(n: int, stride: int) -> int:
    """How many windows there are over ``n`` pixels: ceil(n / stride), for a symbolic ``n`` too."""
    return (n - 1) // stride + 1


def before(n: int, kernel: int, stride: int, rule: PaddingRule) -> int:
    """Pixels of padding before the first of ``n``.

    ``symmetric``: (kernel - 1) // 2. ``same``: half of what the windows need in all, rounded down, as TensorFlow has
    it (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2). ``after``: none.
    """
    if rule == "symmetric":
        return (kernel - 1) // 2
    if rule == "after" or kernel == 1:
        return 0
    total = (steps(n, stride) - 1) * stride + kernel - n
    if kernel < stride:  # only then a window can end before the last pixel
        total = at_least(total, 0)
    return total // 2


def pad(x: Tensor, kernel: int, starts: tuple[int, int], value: float = 0.0) -> Tensor:
    """A copy of ``x`` with ``starts`` (rows, columns) before it and enough after it for every window.

    kernel - 1 pixels in all are enough for any size: the last window ends within them, and no further one fits.
    """
    if kernel == 1:
        return x
    rows, columns = starts
    return F.pad(x, (columns, kernel - 1 - columns, rows, kernel - 1 - rows), value=value)


def fits(n: int, start: int, kernel: int, stride: int) -> bool:
    """Whether ``start`` pixels of padding at both ends of ``n`` give as many windows as are wanted.

    While torch traces, only where they do for every size of the trace.
    """
    room = 2 * start - kernel
    return certain(room == -1) or certain((n + room) // stride + 1 == steps(n, stride))
