"""What an operator costs that does not say so is what its module costs, and is unknown where that cannot be told."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import DeformConv2d

import fpngraph
from fpngraph.compiler.measuring import measured
from fpngraph.feature import Feature, Size
from fpngraph.ops import Cost, Down, Fusion, Layer, Operator, Site, Up
from fpngraph.ops.steps import Step

CHANNELS = 16
SIZE = Size(4, 6)
PIXELS = 24


class Own(nn.Module):
    """A module with one child, applied as ``run`` says."""

    def __init__(self, child: nn.Module, run: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.child, self.run = child, run

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self.child, x)


def tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def attention(child: nn.Module, x: Tensor) -> Tensor:
    result: Tensor = child(tokens(x), tokens(x), tokens(x))[0]
    return result


def deformable(child: nn.Module, x: Tensor) -> Tensor:
    result: Tensor = child(x, x.new_zeros(1, 18, *x.shape[-2:]))
    return result


def told(builder: Callable[[], nn.Module], kind: type[Operator] = Layer, size_out: Size = SIZE) -> tuple[Cost, str]:
    """What is measured of an operator whose module is what ``builder`` gives."""

    class Told(kind):  # type: ignore[valid-type, misc]  # one of the kinds
        name = "told"

        def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
            return builder()

    step = Step(Told(), (Feature(3, CHANNELS),) * (2 if kind is Fusion else 1), Site(), Feature(3, CHANNELS), "told")
    return measured(step, SIZE, size_out)


COSTS = {
    "activation": (nn.ReLU, 0, 0),
    "norm": (lambda: nn.BatchNorm2d(CHANNELS), 2 * CHANNELS, 0),
    "interpolation": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), 0, 0),
    "convolution": (lambda: nn.Conv2d(CHANNELS, 8, 3, padding=1), 8 * CHANNELS * 9 + 8, 8 * CHANNELS * 9 * PIXELS),
    "lazy": (lambda: nn.LazyConv2d(8, 1), 8 * CHANNELS + 8, 8 * CHANNELS * PIXELS),
    "attention": (
        lambda: Own(nn.MultiheadAttention(CHANNELS, 2, batch_first=True), attention),
        4 * (CHANNELS**2 + CHANNELS),
        4 * CHANNELS**2 * PIXELS + 2 * PIXELS**2 * CHANNELS,
    ),
    "not on the meta device": (
        lambda: Own(nn.Conv2d(CHANNELS, 4, 1), lambda child, x: child(x) * float(x.sum())),
        4 * CHANNELS + 4,
        4 * CHANNELS * PIXELS,
    ),
}


@pytest.mark.parametrize(("build", "parameters", "macs"), COSTS.values(), ids=COSTS)
def test_a_module_costs_what_is_worked_out_by_hand(build: Callable[[], nn.Module], parameters: int, macs: int) -> None:
    assert told(build) == (Cost(parameters, macs), "")


def broken() -> nn.Module:
    raise ZeroDivisionError("no module today")


UNKNOWN = {
    "no module": (broken, None, "ZeroDivisionError: no module today"),
    "does not run": (
        lambda: Own(nn.Conv2d(CHANNELS, 1, 1), lambda child, x: child(x[:, :, 9, 9])),
        CHANNELS + 1,
        "IndexError: index 9 is out of bounds for dimension 2 with size 4",
    ),
    "another library's kernel": (
        lambda: Own(DeformConv2d(CHANNELS, 8, 3, padding=1), deformable),
        8 * CHANNELS * 9 + 8,
        "nobody knows what 'torchvision::deform_conv2d' multiplies",
    ),
    "a product that torch does not count": (
        lambda: Own(nn.Bilinear(CHANNELS, CHANNELS, 3), lambda child, x: child(tokens(x), tokens(x))),
        3 * CHANNELS**2 + 3,
        "nobody knows what 'aten::_trilinear' multiplies",
    ),
}


@pytest.mark.parametrize(("build", "parameters", "why"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_cannot_be_counted_is_unknown(build: Callable[[], nn.Module], parameters: int | None, why: str) -> None:
    cost, reason = told(build)

    assert cost == Cost(parameters, None)
    assert reason.partition(":")[0] == why.partition(":")[0]
    assert ("aten" in why or "torchvision" in why) <= (reason == why)


class Strided(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(CHANNELS, CHANNELS, 2, stride=2)

    def forward(self, x: Tensor, size: Size) -> Tensor:
        result: Tensor = self.conv(x)
        assert tuple(result.shape[-2:]) == size
        return result


class Wide(nn.Module):
    def forward(self, x: Tensor, size: Size) -> Tensor:
        return nn.functional.interpolate(x, size) @ x.new_zeros(size.width, 5)


class Mixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * CHANNELS, 1, 1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        result: Tensor = self.conv(torch.cat(list(maps), 1))
        return result


@pytest.mark.parametrize(
    ("module", "kind", "size", "macs"),
    [
        pytest.param(Strided, Down, Size(2, 3), CHANNELS**2 * 4 * 6, id="down"),
        pytest.param(Wide, Up, Size(8, 12), CHANNELS * 8 * 12 * 5, id="up"),
        pytest.param(Mixed, Fusion, SIZE, 2 * CHANNELS * PIXELS, id="fusion"),
    ],
)
def test_every_kind_is_called_as_a_neck_calls_it(
    module: Callable[[], nn.Module], kind: type[Operator], size: Size, macs: int
) -> None:
    (_, found), reason = told(module, kind, size)

    assert (found, reason) == (macs, "")


def test_random_numbers_and_modes_stay_as_they_were() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)

    with torch.inference_mode():
        told(lambda: Own(nn.Conv2d(CHANNELS, 4, 1), lambda child, x: child(x) * torch.rand(1).item()))

    assert torch.equal(torch.rand(2), wanted)


def test_no_map_is_made_for_real_that_takes_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fpngraph.compiler.measuring._MOST_NUMBERS", CHANNELS * PIXELS - 1)

    cost, reason = told(lambda: Own(nn.Conv2d(CHANNELS, 4, 1), lambda child, x: child(x) * (x.sum().item() < inf)))

    assert cost == fpngraph.Cost(4 * CHANNELS + 4, None)
    assert reason != ""
