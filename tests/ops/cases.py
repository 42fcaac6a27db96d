"""Random places for an operator to stand in: settings drawn from its fields, features, sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from hypothesis import assume
from hypothesis import strategies as st
from pydantic import ValidationError, WithJsonSchema
from pydantic.fields import FieldInfo

from fpngraph.feature import Feature, Size
from fpngraph.ops import Block, Down, Fusion, Mismatch, Operator, Site, Up
from fpngraph.ops.act import Relu
from fpngraph.ops.composite import with_words
from fpngraph.ops.norm import BatchNorm
from tests import trees

CHANNELS = (1, 2, 3, 4, 6, 12)
WORDS = {"norm": BatchNorm(), "act": Relu()}
"""What lists of layers mean by these words in the places that are drawn."""


EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "layer-residual": {"layers": ["conv", "norm", "act", {"residual": ["separable_conv", "norm"]}]},
    "layer-sum": {"branches": [["conv", "norm"], [{"conv": {"kernel": 1}}, "act"], [{"conv": {"groups": 2}}, "norm"]]},
    "layer-concat": {"branches": [[{"slice": {"index": 0}}], [], [{"slice": {"index": 1}}, "norm", "act"]]},
    "layer-repeat": {"times": 2, "keep": "all", "layers": [{"sum": [["conv", "norm"], ["conv"]]}, "act"]},
    "layer-slice": {"index": 1},
    "layer-encoder_layer": {"heads": 2},
}
"""Settings of operators that cannot do without, also on maps of few channels, by kind and name."""


def example(operator: type[Operator], **settings: Any) -> Operator:
    """An operator of this class, with the settings that it needs."""
    (op,) = with_words([operator(**EXAMPLES.get(f"{operator.kind}-{operator.name}", {}), **settings)], WORDS)
    return op


@dataclass(frozen=True)
class Case:
    """One operator at one place, with the sizes before and after."""

    op: Operator
    inputs: tuple[Feature, ...]
    site: Site
    size_in: Size
    size_out: Size


def settings_of(operator: type[Operator]) -> st.SearchStrategy[dict[str, Any]]:
    """Settings that ``operator`` allows, small numbers and small lists of layers only."""
    fields = {field.alias or name: _field(name, field) for name, field in operator.model_fields.items()}
    return st.fixed_dictionaries(fields).filter(lambda drawn: _is_valid(operator, drawn))


def _is_valid(operator: type[Operator], settings: dict[str, Any]) -> bool:
    try:
        operator(**settings)
    except ValidationError:
        return False
    return True


@st.composite
def cases(draw: st.DrawFn, operator: type[Operator]) -> Case:
    """A place where an operator of this class, with drawn settings, fits."""
    (op,) = with_words([operator(**draw(settings_of(operator)))], WORDS)
    ratio = draw(st.sampled_from((2, 4, 8))) if issubclass(operator, (Down, Up)) else 1
    channels = draw(st.sampled_from(CHANNELS))
    holds = op.held() or isinstance(op, Block)
    site = Site(
        channels=draw(st.sampled_from(CHANNELS if holds else (None, *CHANNELS))),
        ratio=ratio,
        padding=draw(st.sampled_from(("symmetric", "same"))),
        bias=draw(st.booleans()),
        **WORDS,
    )
    level = ratio.bit_length() - 1 if issubclass(operator, Up) else 3
    inputs = tuple(Feature(level, each) for each in _widths(draw, operator, channels))
    size_in = Size(draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    try:
        op.infer(inputs, site)
    except Mismatch:
        assume(False)
    return Case(op, inputs, site, size_in, _size_out(draw, operator, size_in, ratio))


def _widths(draw: st.DrawFn, operator: type[Operator], channels: int) -> Sequence[int]:
    if not issubclass(operator, Fusion):
        return [channels]
    count = operator.takes or draw(st.integers(1, 4))
    if operator.equal_channels:
        return [channels] * count
    return [draw(st.sampled_from(CHANNELS)) for _ in range(count)]


def _size_out(draw: st.DrawFn, operator: type[Operator], size: Size, ratio: int) -> Size:
    if issubclass(operator, Down):
        return Size(-(-size.height // ratio), -(-size.width // ratio))
    if issubclass(operator, Up):
        any_size = any(name.endswith(".Interpolate") for name in operator.modules)  # what others give, an edge resizes
        less = draw(st.integers(0, ratio - 1)) if any_size else 0
        return Size(size.height * ratio - less, size.width * ratio)
    return size


def _field(name: str, field: FieldInfo) -> st.SearchStrategy[Any]:
    definitions = [it.json_schema for it in field.metadata if isinstance(it, WithJsonSchema)]
    if {"definition": "layers"} in definitions:
        return trees.keeping(2) | trees.closed(2)
    if {"definition": "branches"} in definitions:
        return trees.branches(2, equal=True) | trees.branches(2, equal=False)
    try:
        return _values(field.annotation, tuple(field.metadata))
    except TypeError:
        if field.is_required():
            raise TypeError(f"no values are known for {name!r}: {field.annotation!r}") from None
        return st.just(field.get_default(call_default_factory=True))


def _values(annotation: Any, constraints: tuple[object, ...]) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _values(arguments[0], (*constraints, *arguments[1:]))
    if origin in (Union, UnionType):
        return st.one_of([_values(argument, constraints) for argument in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if annotation is NoneType:
        return st.none()
    if annotation is bool:
        return st.booleans()
    if annotation in (int, float):
        return _numbers(annotation, constraints)
    raise TypeError


def _numbers(kind: type[int] | type[float], constraints: tuple[object, ...]) -> st.SearchStrategy[Any]:
    """Numbers within the constraints, near the lower end."""
    bounds = [bound for item in constraints for bound in _bounds(item)]
    step = 1 if kind is int else 1e-3
    lows = [bound.gt + step if isinstance(bound, annotated_types.Gt) else bound.ge for bound in bounds if _low(bound)]
    highs = [bound.lt - step if isinstance(bound, annotated_types.Lt) else bound.le for bound in bounds if _high(bound)]
    low = max(lows, default=-2)
    high = min([*highs, low + 4])
    if kind is int:
        return st.integers(low, high)
    # channels times a share have to be whole, which they hardly ever are with a number of many digits
    quarters = [it / 4 for it in range(math.ceil(4 * low), math.floor(4 * high) + 1)]
    return st.sampled_from(quarters) | st.floats(low, high)


def _bounds(item: object) -> Sequence[Any]:
    return tuple(item) if isinstance(item, annotated_types.GroupedMetadata) else (item,)


def _low(bound: object) -> bool:
    return isinstance(bound, (annotated_types.Gt, annotated_types.Ge))


def _high(bound: object) -> bool:
    return isinstance(bound, (annotated_types.Lt, annotated_types.Le))
