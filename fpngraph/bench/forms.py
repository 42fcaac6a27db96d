"""The forms in which a neck can run, each made ready to be called again and again with the same maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from fpngraph.bench.memory import peak_bytes
from fpngraph.bench.timing import Call
from fpngraph.errors import first_line
from fpngraph.exporting.program import silence


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a neck, or the reason why it cannot run here.

    ``operators`` and ``peak_bytes`` are of one call, None where nobody can count them: operators of torch that are
    run, or nodes of an exported graph; and memory beside inputs and weights.
    """

    name: str
    call: Call | None
    operators: int | None = None
    peak_bytes: int | None = None
    reason: str | None = None


def eager(name: str, module: nn.Module, maps: Sequence[Tensor]) -> Form:
    """``module`` called as it is."""

    def call() -> object:
        return module(list(maps))

    call()  # what is made at the first call does not count
    with _Operators() as operators:
        call()
    return Form(name, call, operators.count, _peak(call, [*maps, *module.parameters(), *module.buffers()]))


def _peak(call: Call, excluded: Sequence[Tensor]) -> int:
    device = excluded[0].device
    if device.type != "cuda":
        return peak_bytes(call, excluded)
    torch.cuda.synchronize(device)
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    call()
    torch.cuda.synchronize(device)
    return int(torch.cuda.max_memory_allocated(device) - before)


class _Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no hints for it
    """Counts the operators that compute a map: a view costs nothing, nor does the answer to a question about one."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no hints for it
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self.count += isinstance(result, Tensor | tuple | list) and not func.is_view
        return result


def compiled(name: str, module: nn.Module, maps: Sequence[Tensor]) -> Form:
    """``module`` through ``torch.compile``, for maps of these sizes."""

    def run(given: list[Tensor]) -> object:
        return module(given)

    # torch keeps programs by the code that they are of: necks that share it would push each other out
    own = FunctionType(run.__code__.replace(), run.__globals__, closure=run.__closure__)
    faster = torch.compile(own, fullgraph=True, dynamic=False)

    def call() -> object:
        return faster(list(maps))

    try:
        with silence():
            call()
    except Exception as error:  # a compiler that is not there, or whatever goes wrong in one
        return Form(name, None, reason=first_line(error))
    return Form(name, call)
