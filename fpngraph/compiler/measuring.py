"""What an operator costs that does not say so: its module is built and run, where possible without any numbers."""

from __future__ import annotations

import re
import warnings
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from fpngraph.feature import Size
from fpngraph.ops import Cost, Fusion, Resampler
from fpngraph.ops.steps import Step

_MOST_NUMBERS = 1 << 24  # of maps that are made for real: 64 MiB
_MULTIPLIES = re.compile("attention|cdist|conv|dot|gru|linear|lstm|mm|mv|rnn")
_INTERPOLATES = re.compile("upsample")  # (bi)linear too, but by no matrix product


def measured(step: Step, size_in: Size, size_out: Size) -> tuple[Cost, str]:
    """What the module of ``step`` costs, and why a number of it is None; the text is empty where none is.

    The module runs on torch's meta device, and, where it cannot, on a CPU if its maps are small. Neither torch's random
    numbers nor anything else outside changes.
    """
    small = prod(size_in) * sum(feature.channels for feature in step.inputs) <= _MOST_NUMBERS
    cost, why = Cost(), ""
    for device in ("meta", "cpu") if small else ("meta",):
        found, reason = _measured_on(device, step, size_in, size_out)
        cost, why = cost.completed(found), reason
        if None not in cost:
            return cost, ""
    return cost, why


def _measured_on(device: str, step: Step, size_in: Size, size_out: Size) -> tuple[Cost, str]:
    parameters = None
    # with gradients: without them some layers take a path of one operator, which no counter knows
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), torch.enable_grad():
        warnings.simplefilter("ignore")
        try:
            with torch.device(device):
                module = step.op.build(step.inputs, step.site).eval()
                maps = [torch.zeros(1, feature.channels, *size_in) for feature in step.inputs]
            parameters = _parameters(module)
            with FlopCounterMode(display=False) as counter, _Uncounted(counter) as uncounted:
                _run(step, module, maps, size_out)
            parameters = _parameters(module)  # lazy ones are there now
        except Exception as error:  # whatever somebody's module does
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            return Cost(parameters), reason
    if uncounted.names:
        return Cost(parameters), f"nobody knows what {uncounted.names[0]!r} multiplies"
    return Cost(parameters, counter.get_total_flops() // 2), ""


def _parameters(module: nn.Module) -> int | None:
    parameters = list(module.parameters())
    return None if any(nn.parameter.is_lazy(x) for x in parameters) else sum(x.numel() for x in parameters)


def _run(step: Step, module: nn.Module, maps: list[Tensor], size_out: Size) -> None:
    if isinstance(step.op, Fusion):
        module(x for x in maps)
    elif isinstance(step.op, Resampler):
        module(maps[0], size_out)
    else:
        module(maps[0])


class _Uncounted(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no hints for it
    """Operators that the counter passes over though they multiply, or may: those of other libraries."""

    def __init__(self, counter: FlopCounterMode) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no hints for it
        self.counter = counter
        self.names: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        before = self.counter.get_total_flops()
        result = func(*args, **(kwargs or {}))
        name = func.name()
        own = name.startswith(("aten::", "prim::", "prims::"))
        multiplies = _MULTIPLIES.search(name) and not _INTERPOLATES.search(name)
        if (multiplies or not own) and self.counter.get_total_flops() == before:
            self.names.append(name)
        return result
