"""Steps of a neck as the parts that run in inference, folded into each other where their operators allow it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fpngraph.layers.inference import Repeat
from fpngraph.layers.layout import let_any, takes_any
from fpngraph.layers.node import Edge
from fpngraph.layers.resample import Interpolate
from fpngraph.ops import Part, Resampler
from fpngraph.steps import Step


@dataclass(frozen=True, slots=True)
class Chain:
    """Parts that run one after the other, and which of them is called with the size wanted too."""

    parts: Sequence[Part]
    resampler: int | None

    def run(self, *, owned: bool) -> tuple[Edge, bool]:
        """The modules, given whether the map may be written to, and whether what they give may be."""
        modules = []
        for part in self.parts:
            modules.append(part.writing if owned and part.writing is not None else part.module)
            owned = part.result == "new" or (owned and part.result == "new_or_input")
        repeats = len(modules) == 1 and isinstance(modules[0], Interpolate) and modules[0].mode == "nearest"
        return (Repeat if repeats else Edge)(modules, resampler=self.resampler), owned


def chain(steps: Sequence[Step], modules: Iterable[nn.Module]) -> Chain:
    """Copies of ``modules``, which do ``steps``; what is only a scale and a shift is taken into the part before it."""
    parts: list[Part] = []
    resampler = None
    for step, module in zip(steps, modules, strict=True):
        made = parts_of(step, module)
        if isinstance(step.op, Resampler):
            resampler = len(parts)
        for part in made:
            if part.affine is not None and parts and parts[-1].absorbs:
                _absorb(parts[-1].module, *part.affine)
            else:
                parts.append(part)
    return Chain(parts, resampler)


def parts_of(step: Step, module: nn.Module) -> Sequence[Part]:
    """The parts of a copy of ``module``. One with hooks runs as it is: nobody knows what they do."""
    own = inference_copy(module)
    parts = (Part(own),) if is_hooked(module) else step.op.parts(own)
    if takes_any(own):
        for part in parts:
            let_any(part.module)
            if part.writing is not None:
                let_any(part.writing)
    return parts


def inference_copy(module: nn.Module) -> nn.Module:
    """A copy in eval mode whose parameters are constants."""
    own: nn.Module = copy.deepcopy(module).eval().requires_grad_(False)
    return own


def is_hooked(module: nn.Module) -> bool:
    """Whether a call of ``module`` does more than its forward."""
    return any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def take_factor(parts: Sequence[Part], factor: float) -> float:
    """Multiply what ``parts`` give by ``factor`` inside of them; what remains to be multiplied by after them."""
    for part in reversed(parts):
        if part.absorbs:
            _absorb(part.module, torch.tensor(factor, dtype=torch.float64), torch.zeros((), dtype=torch.float64))
            return 1.0
        if part.commutes == "never" or (part.commutes == "non_negative" and factor < 0):
            break
    return factor


def _absorb(module: nn.Module, scale: Tensor, shift: Tensor) -> None:
    """Have ``module`` give ``scale * y + shift``, channel by channel, where it gave y. Computed in float64."""
    weight: Tensor = module.get_parameter("weight")
    bias = module.bias
    scale, shift = (value.expand(len(weight)) for value in (scale, shift))
    if isinstance(bias, Tensor):
        shift = shift + bias.double() * scale
    scaled = weight.double() * scale.view(-1, *[1] * (weight.dim() - 1))
    module.weight = nn.Parameter(scaled.to(weight.dtype), requires_grad=False)
    module.bias = nn.Parameter(shift.to(weight.dtype), requires_grad=False)
