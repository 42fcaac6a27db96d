"""Every registered operator does the same in other types and layouts, compiled, traced and written as ONNX."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from fpngraph.feature import Feature, Size
from fpngraph.ops import Fusion, Operator, Site
from tests.ops import forms
from tests.ops.cases import Case, cases
from tests.ops.test_contract import MODULES, QUICK, Factor, Scaled, label, places


@pytest.mark.slow
@pytest.mark.parametrize("operator", MODULES, ids=label)
@QUICK
@given(data=st.data())
def test_it_keeps_types_and_takes_layouts(operator: type[Operator], data: st.DataObject) -> None:
    case = data.draw(cases(operator))

    forms.assert_keeps_types(case)
    forms.assert_takes_layouts(case)


@pytest.mark.slow
@pytest.mark.parametrize("operator", MODULES, ids=label)
def test_its_gradients_are_right(operator: type[Operator]) -> None:
    for op, site in places(operator, channels=4):
        forms.assert_has_gradients(Case(op, inputs_of(operator, 4), site, Size(3, 5), after(op, site)))


def after(op: Operator, site: Site) -> Size:
    """The size that a map of 3x5 pixels has after ``op``."""
    if op.kind == "down":
        return Size(-(-3 // site.ratio), -(-5 // site.ratio))
    return Size(3 * site.ratio, 5 * site.ratio)


def inputs_of(operator: type[Operator], channels: int = 32) -> tuple[Feature, ...]:
    return (Feature(5, channels),) * ((operator.takes or 3) if issubclass(operator, Fusion) else 1)


@pytest.mark.slow
@pytest.mark.parametrize("operator", MODULES, ids=label)
def test_it_is_compiled_and_traced(operator: type[Operator]) -> None:
    for op, site in places(operator):
        forms.assert_compiles_whole(op, inputs_of(operator), site)
        forms.assert_is_traced(op, inputs_of(operator), site)


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("modern", [False, True], ids=["older exporter", "exporter"])
@pytest.mark.parametrize("operator", MODULES, ids=label)
def test_it_is_written_as_onnx(operator: type[Operator], modern: bool) -> None:
    op, site = places(operator)[0]

    forms.assert_is_written_as_onnx(op, inputs_of(operator), site, modern=modern)


class Flat(Factor):
    def forward(self, x: Tensor) -> Tensor:
        return (x.view(-1) * self.factor).view(x.shape)


class Single(Factor):
    def forward(self, x: Tensor) -> Tensor:
        return (x * self.factor).float()


class Cut(Factor):
    def forward(self, x: Tensor) -> Tensor:
        return x.detach() * self.factor


class Looking(Factor):
    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor if float(x.sum()) > -1e9 else x


class FlatOp(Scaled):
    def build(self, inputs: object, site: object) -> nn.Module:
        return Flat(2)

    layout = "any"


class SingleOp(Scaled):
    def build(self, inputs: object, site: object) -> nn.Module:
        return Single(2)


class CutOp(Scaled):
    def build(self, inputs: object, site: object) -> nn.Module:
        return Cut(2)


class LookingOp(Scaled):
    def build(self, inputs: object, site: object) -> nn.Module:
        return Looking(2)


@pytest.mark.filterwarnings("ignore")
def test_an_operator_that_breaks_a_promise_is_found() -> None:
    def case(op: Operator) -> Case:
        return Case(op, (Feature(3, 4),), Site(), Size(3, 5), Size(3, 5))

    with pytest.raises(RuntimeError):
        forms.assert_takes_layouts(case(FlatOp()))
    with pytest.raises(AssertionError):
        forms.assert_keeps_types(case(SingleOp()))
    with pytest.raises(RuntimeError):
        forms.assert_has_gradients(case(CutOp()))
    with pytest.raises(RuntimeError):
        forms.assert_compiles_whole(LookingOp(), (Feature(3, 4),), Site())
