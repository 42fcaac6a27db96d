"""When a result counts as that of a reference, and the comparison of two modules by results and gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

TOLERANCE = 1e-10


def assert_equal(ours: Tensor, theirs: Tensor, what: str, scale: float | None = None) -> float:
    """Equal shapes, and no value further off than 1e-10 of ``scale``, by default the reference's largest value.

    The part of ``scale`` that they are off by.
    """
    assert ours.shape == theirs.shape, f"{what}: shape {tuple(ours.shape)}, not {tuple(theirs.shape)}"
    largest = theirs.abs().max().item() if scale is None else scale
    difference = (ours - theirs).abs().max().item()
    assert difference <= TOLERANCE * largest, f"{what}: off by {difference:.3e} at a largest value of {largest:.3e}"
    return difference / largest if largest else 0.0


@dataclass(frozen=True)
class Results:
    """What a call of a module gives: its outputs, and the gradients of its inputs and parameters."""

    outputs: Sequence[Tensor]
    inputs: Sequence[Tensor]
    parameters: Mapping[str, Tensor]


def results(module: nn.Module, call: Callable[[list[Tensor]], Sequence[Tensor]], maps: Sequence[Tensor]) -> Results:
    """Outputs for copies of ``maps``, and the gradients of a sum of them with fixed random weights."""
    copies = [x.clone().requires_grad_() for x in maps]
    parameters = dict(module.named_parameters())
    outputs = call(list(copies))
    generator = torch.Generator().manual_seed(0)
    total = sum((y * torch.randn(y.shape, generator=generator, dtype=y.dtype)).sum() for y in outputs)
    assert isinstance(total, Tensor)
    gradients = torch.autograd.grad(total, [*copies, *parameters.values()])
    return Results(outputs, gradients[: len(copies)], dict(zip(parameters, gradients[len(copies) :], strict=True)))


def assert_equal_results(ours: Results, theirs: Results) -> float:
    """Outputs and gradients of inputs are equal; parameters are compared by whoever knows their names.

    The largest part of an output's largest value that it is off by.
    """
    outputs = enumerate(zip(ours.outputs, theirs.outputs, strict=True))
    off = [assert_equal(y, expected, f"output {index}") for index, (y, expected) in outputs]
    for index, (gradient, expected) in enumerate(zip(ours.inputs, theirs.inputs, strict=True)):
        assert_equal(gradient, expected, f"gradient of input {index}")
    return max(off, default=0.0)
