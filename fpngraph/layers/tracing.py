"""Whether a run is recorded, watched or of no numbers, and sizes that a program must not hold as numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor
from torch.nn.modules import module as torch_module

# A name that torch may change: without it nobody can say.
_ANY_HOOK: Callable[[], object] = getattr(torch_module, "_has_any_global_hook", lambda: True)


def is_traced() -> bool:
    """Whether torch compiles, exports or traces: what runs now will run again, for other maps and elsewhere.

    ``torch.jit.trace`` counts, with all that uses its tracer: the older exporter to ONNX, TensorBoard's graph and
    counters of operations. What is recorded is laid out by who runs it, writes to no map but a running sum, and leaves
    open whatever depends on a size.
    """
    # torch has no hints for what is below torch.jit
    return torch.compiler.is_compiling() or bool(torch.jit.is_tracing())  # type: ignore[attr-defined,no-untyped-call]


def all_are_hooked() -> bool:
    """Whether torch calls something for each module that there is."""
    return bool(_ANY_HOOK())


def has_storage(x: Tensor) -> bool:
    """Whether it holds numbers: on the device meta nothing does, and a tensor of ``torch.func`` stands for others."""
    try:
        x.data_ptr()
    except (RuntimeError, NotImplementedError):
        return False
    return not x.is_meta


def certain(condition: bool) -> bool:
    """Whether ``condition`` holds; while torch traces, only where it holds for every size that the trace is for.

    A plain ``if`` on a symbolic size would make a traced program valid for one parity of the size only.
    """
    if isinstance(condition, Tensor):  # in torch.jit.trace a size is a tensor, of which nothing is known
        return False
    if not torch.compiler.is_compiling() and not isinstance(condition, torch.SymBool):
        return condition
    from torch.fx.experimental.symbolic_shapes import statically_known_true

    return statically_known_true(condition)


def known(n: int) -> bool:
    """Whether ``n`` is a plain number: always, except while torch traces with sizes that may change."""
    if isinstance(n, Tensor):
        return False
    if not torch.compiler.is_compiling() and not isinstance(n, torch.SymInt):
        return True
    from torch.fx.experimental.symbolic_shapes import has_static_value

    return has_static_value(n)


def numbers(shape: Sequence[int]) -> Sequence[int]:
    """The sides to compare once, for an error: in ``torch.jit.trace`` those of its example, and nothing is recorded."""
    if torch.compiler.is_compiling() or not any(isinstance(n, Tensor) for n in shape):
        return shape
    with warnings.catch_warnings():  # a trace warns of every number that is read
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]  # as above
        return tuple(int(n) for n in shape)


def at_least(n: int, least: int) -> int:
    """The larger of the two, whatever a size is: a number, a symbol, or a tensor."""
    if isinstance(n, Tensor):
        return cast(int, n.clamp(min=least))
    # A plain 'max' decides for one size of a program; of a plain number, torch 2.8 compiles nothing else.
    return cast(int, torch.sym_max(n, least)) if isinstance(n, torch.SymInt) else max(n, least)
