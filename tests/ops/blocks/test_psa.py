"""A block with attention of pixels keeps what every operator promises, with one head and with two."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from fpngraph.feature import Feature, Size
from fpngraph.layers.layout import channels_last, is_channels_last
from fpngraph.layers.psa import Seen, Values
from fpngraph.ops.blocks.csp import C2f
from tests.ops import forms
from tests.ops.blocks.equations import SITE
from tests.ops.cases import Case

PLACE = (Feature(5, 12),), replace(SITE, channels=16)
EACH = pytest.mark.parametrize(
    "op", [C2f(block="attention"), C2f(block="attention", expand=8)], ids=["one head", "two heads"]
)


def heads(x: Tensor) -> Tensor:
    """Two heads of two queries, two keys and three values each."""
    return x.view(len(x), 2, 7, *x.shape[2:])


def test_the_values_are_those_of_all_heads() -> None:
    x = torch.randn(2, 14, 3, 5)

    values = Values(heads=2, key=2)(x)

    torch.testing.assert_close(values, torch.cat([x[:, 4:7], x[:, 11:14]], dim=1), rtol=0, atol=0)


def test_a_pixel_sees_most_of_the_one_whose_key_fits_its_query() -> None:
    x = torch.zeros(1, 14, 2, 2)
    heads(x)[:, :, 0] = 100  # what all look for
    heads(x)[0, 0, 2, 1, 0] = heads(x)[0, 1, 2, 0, 1] = 1  # where the first head finds it, and the second
    x[:, 4:7], x[:, 11:14] = torch.randn(2, 1, 3, 2, 2)

    seen = Seen(heads=2, key=2)(x)

    found = torch.cat([x[:, 4:7, 1, 0], x[:, 11:14, 0, 1]], dim=1)
    torch.testing.assert_close(seen, found[..., None, None].expand_as(seen))


@pytest.mark.parametrize(("scale", "factor"), [(True, 2**-0.5), (False, 1.0)], ids=["scaled", "not scaled"])
def test_fit_is_divided_by_the_root_of_a_querys_channels(scale: bool, factor: float) -> None:
    x = torch.zeros(1, 14, 1, 2)
    x[0, 0] = 1  # what all look for
    x[0, 2, 0, 0] = 1  # where the first head finds it
    x[0, 4, 0, 0] = 1  # and what it sees there

    seen = Seen(heads=2, key=2, scale=scale)(x)

    expected = torch.tensor(factor).sigmoid()
    torch.testing.assert_close(seen[0, 0, 0], expected.expand(2))


def test_what_is_seen_lies_as_the_map_does() -> None:
    x = torch.randn(2, 14, 3, 5)

    seen = Seen(heads=2, key=2)

    assert seen(x).is_contiguous()
    assert is_channels_last(seen(channels_last(x)))


def test_no_images_give_none() -> None:
    x = torch.randn(0, 14, 3, 5)

    assert Seen(heads=2, key=2)(x).shape == Values(heads=2, key=2)(x).shape == (0, 6, 3, 5)


@EACH
def test_it_keeps_types_and_layouts(op: C2f) -> None:
    case = Case(op, *PLACE, Size(3, 5), Size(3, 5))

    forms.assert_keeps_types(case)
    forms.assert_takes_layouts(case)


@pytest.mark.slow
def test_its_gradients_are_right() -> None:
    place = (Feature(5, 4),), replace(SITE, channels=4)

    forms.assert_has_gradients(Case(C2f(block="attention"), *place, Size(3, 5), Size(3, 5)))


@pytest.mark.slow
@EACH
def test_it_is_compiled_and_traced(op: C2f) -> None:
    forms.assert_compiles_whole(op, *PLACE)
    forms.assert_is_traced(op, *PLACE)


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("modern", [False, True], ids=["older exporter", "exporter"])
@EACH
def test_it_is_written_as_onnx(op: C2f, modern: bool) -> None:
    forms.assert_is_written_as_onnx(op, *PLACE, modern=modern)
