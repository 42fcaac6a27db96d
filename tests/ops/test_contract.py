"""Every registered operator does what it says."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from fpngraph.feature import Feature, Padding, Size
from fpngraph.ops import Cost, Fusion, Init, Layer, Mismatch, Operator, Resampler, Site, Up, operators
from fpngraph.ops.composite import Composite
from tests.ops.cases import WORDS, Case, cases, example, settings_of
from tests.ops.contract import assert_exports, assert_keeps_contract, assert_levels_follow, assert_recipe

MODULES = [operator for operator in operators() if not issubclass(operator, Init)]
RECIPES = [operator for operator in operators() if issubclass(operator, Init)]
QUICK = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def label(value: object) -> str:
    return f"{value.kind}-{value.name}" if isinstance(value, type) and issubclass(value, Operator) else str(value)


@pytest.mark.slow
@pytest.mark.parametrize("operator", MODULES, ids=label)
@QUICK
@given(data=st.data())
def test_shapes_parameters_and_macs_are_as_told_and_inputs_stay_untouched(
    operator: type[Operator], data: st.DataObject
) -> None:
    case = data.draw(cases(operator))

    assert_keeps_contract(case)
    assert_levels_follow(case)


def fits(op: Operator, site: Site, channels: int) -> bool:
    """Whether an operator can stand there."""
    try:
        op.infer((Feature(5, channels),), site)
    except Mismatch:
        return False
    return True


def places(operator: type[Operator], channels: int = 32) -> list[tuple[Operator, Site]]:
    """A few settings and places of an operator: export takes a second for each."""
    paddings: tuple[Padding, ...] = ("symmetric", "same")
    if not issubclass(operator, Resampler):
        settings = {"groups": 2} if operator.kind == "norm" and "groups" in operator.model_fields else {}
        return [(example(operator, **settings), Site(channels=channels, **WORDS))]
    if "kernel" not in operator.model_fields:
        ratios = (2,) if issubclass(operator, Composite) else (2, 4)
        found = [(operator(), Site(ratio=ratio, **WORDS)) for ratio in ratios]
        return [(op, site) for op, site in found if fits(op, site, channels)]
    kernels: dict[int, tuple[int, ...]] = {2: (1, 2, 3), 4: (3, 5)}
    if issubclass(operator, Up):
        kernels = {2: (2, 4), 4: (4, 6)}  # an up-sampler's windows leave out no pixel
    return [
        (operator(kernel=kernel), Site(channels=channels, ratio=ratio, padding=padding))
        for ratio, padding in product(kernels, paddings)
        for kernel in kernels[ratio]
    ]


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("operator", MODULES, ids=label)
def test_exports_with_dynamic_batch_height_and_width(operator: type[Operator]) -> None:
    inputs = (Feature(5, 32),) * ((operator.takes or 3) if issubclass(operator, Fusion) else 1)

    for op, site in places(operator):
        assert_exports(op, inputs, site, sizes=((19, 31), (33, 14)))


@pytest.mark.parametrize("operator", RECIPES, ids=label)
def test_recipes_set_finite_weights_in_place_and_repeatably(operator: type[Init]) -> None:
    modules = [nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6)), nn.GroupNorm(2, 6), nn.Conv2d(4, 4, 1, bias=False)]

    assert_recipe(operator(), modules)


@pytest.mark.parametrize("operator", operators(), ids=label)
def test_every_setting_has_a_description(operator: type[Operator]) -> None:
    undescribed = [name for name, field in operator.model_fields.items() if not field.description]

    assert undescribed == []


@pytest.mark.parametrize("operator", operators(), ids=label)
def test_every_operator_says_where_it_comes_from(operator: type[Operator]) -> None:
    assert operator.__doc__ is not None
    assert operator.__doc__ != operator.__base__.__doc__


class Scaled(Layer):
    """A layer that is registered nowhere: a learned factor."""

    name = "scaled"
    start: PositiveInt = Field(default=1, lt=3, description="Factor at start.")

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        return Cost(1, 0)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return Factor(self.start)


class Factor(nn.Module):
    def __init__(self, start: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(float(start)))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class InPlace(Factor):
    def forward(self, x: Tensor) -> Tensor:
        return x.mul_(self.factor.detach())


class Reusing(Factor):
    def forward(self, x: Tensor) -> Tensor:
        self.result: Tensor = self.result.copy_(x) if hasattr(self, "result") else x.clone()
        return self.result


class Uncounted(Scaled):
    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        return Cost(0, 0)


class Overcounted(Scaled):
    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        return Cost(1, 1)


class Misinferred(Scaled):
    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        return inputs[0]._replace(channels=99)


class Writing(Scaled):
    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return InPlace(self.start)


class Buffered(Scaled):
    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return Reusing(self.start)


@QUICK
@given(case=cases(Scaled))
def test_an_operator_of_ones_own_can_be_held_to_the_contract(case: Case) -> None:
    assert_keeps_contract(case)
    assert_levels_follow(case)


@pytest.mark.parametrize("operator", [Uncounted, Overcounted, Misinferred, Writing, Buffered])
def test_an_operator_that_breaks_a_promise_is_found(operator: type[Operator]) -> None:
    case = Case(operator(), (Feature(3, 4),), Site(), Size(3, 5), Size(3, 5))

    with pytest.raises(AssertionError):
        assert_keeps_contract(case)


@QUICK
@given(drawn=settings_of(Scaled))
def test_settings_are_drawn_within_the_bounds_of_a_field(drawn: dict[str, int]) -> None:
    assert set(drawn) == {"start"}
    assert 1 <= drawn["start"] < 3
