"""The comparison of two necks with equal weights in float64: as they infer, and in a step of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy

from torch import Tensor, nn

from tests.differences import note
from tests.equality.closeness import TOLERANCE, results
from tests.oracles.pairing import carry

# A bias in front of a norm has a gradient of rounding errors only: no gradient is compared at a scale of less than this
# part of the largest one.
SMALL = 1e-2


def assert_equal_necks(ours: nn.Module, theirs: nn.Module, names: Mapping[str, str], maps: Sequence[Tensor]) -> None:
    """Everything is equal to 1e-10 of the largest value, once ``ours`` has the weights of ``theirs``."""
    found = differences(ours, theirs, names, maps)
    off = {what: value for what, value in found.items() if not value <= TOLERANCE}
    listed = "\n".join(f"  {what}: {value:.1e}" for what, value in sorted(off.items(), key=lambda one: -one[1]))
    assert not off, f"off by so much of the largest value:\n{listed}"
    for what, value in found.items():
        if what.startswith("eval: output"):
            note(ours, theirs, "eval", value)
        elif what.startswith("training: output"):
            note(ours, theirs, "training", value)


def differences(
    ours: nn.Module, theirs: nn.Module, names: Mapping[str, str], maps: Sequence[Tensor]
) -> dict[str, float]:
    """How far everything is off that the two give and learn, as part of the largest value, by what it is.

    That is outputs and gradients of inputs and parameters, each in eval and in training mode, and the buffers after the
    latter. The modules themselves stay as they are.
    """
    ours, theirs = deepcopy(ours).double(), deepcopy(theirs).double()
    carry(ours, theirs, names)
    maps = [x.double() for x in maps]
    compared = [*_compared("eval", ours.eval(), theirs.eval(), names, maps)]
    compared += _compared("training", ours.train(), theirs.train(), names, maps)
    our_buffers, their_buffers = dict(ours.named_buffers()), dict(theirs.named_buffers())
    for name, other in names.items():
        if name in our_buffers:
            compared.append((f"training: {name} afterwards", our_buffers[name], their_buffers[other], 0.0))
    return {what: _off(y, expected, scale) for what, y, expected, scale in compared}


def _compared(
    mode: str, ours: nn.Module, theirs: nn.Module, names: Mapping[str, str], maps: Sequence[Tensor]
) -> Iterator[tuple[str, Tensor, Tensor, float]]:
    """What is compared, ours, theirs, and the least scale."""
    got, expected = results(ours, ours, maps), results(theirs, theirs, maps)
    for index, (y, other) in enumerate(zip(got.outputs, expected.outputs, strict=True)):
        yield f"{mode}: output {index}", y, other, 0.0
    for index, (y, other) in enumerate(zip(got.inputs, expected.inputs, strict=True)):
        yield f"{mode}: gradient of input {index}", y, other, 0.0
    least = SMALL * max((float(x.abs().max()) for x in expected.parameters.values()), default=0.0)
    for name, gradient in got.parameters.items():
        yield f"{mode}: gradient of {name}", gradient, expected.parameters[names[name]], least


def _off(y: Tensor, expected: Tensor, least: float) -> float:
    """The largest difference as part of the largest value; infinite where shapes differ or only 0 is expected."""
    if y.shape != expected.shape:
        return float("inf")
    difference = float((y - expected).detach().double().abs().max())
    scale = max(float(expected.detach().double().abs().max()), least)
    if difference == 0:
        return 0.0
    return difference / scale if scale else float("inf")
