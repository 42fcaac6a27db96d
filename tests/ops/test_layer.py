from __future__ import annotations

import pytest
from torch import nn

from fpngraph.feature import Feature, Size
from fpngraph.ops import Cost, Layer, Mismatch, Site
from fpngraph.ops.conv import Bias, Conv, SeparableConv

P3 = (Feature(3, 12),)
AREA = Size(4, 5)


@pytest.mark.parametrize(
    ("op", "site", "reason", "hint"),
    [
        (
            Conv(),
            Site(),
            "needs a number of channels",
            "set 'channels' of the node or of 'conv'",
        ),
        (
            SeparableConv(),
            Site(),
            "needs a number of channels",
            "set 'channels' of the node or of 'separable_conv'",
        ),
        (
            Conv(groups=5),
            Site(channels=10),
            "has 5 groups, which do not divide the 12 channels it takes",
            "set 'groups' to a divisor of both 12 and 10",
        ),
        (
            Conv(groups=4, channels=10),
            Site(channels=12),
            "has 4 groups, which do not divide the 10 channels it gives",
            "set 'groups' to a divisor of both 12 and 10",
        ),
    ],
    ids=["conv, no channels", "separable, no channels", "groups and inputs", "groups and outputs"],
)
def test_a_convolution_that_does_not_fit_says_why(op: Layer, site: Site, reason: str, hint: str) -> None:
    with pytest.raises(Mismatch) as caught:
        op.infer(P3, site)

    assert (caught.value.reason, caught.value.hint) == (reason, hint)


@pytest.mark.parametrize(
    ("op", "cost"),
    [
        (Conv(), Cost(12 * 8 * 9 + 8, 12 * 8 * 9 * 20)),
        (Conv(kernel=1, bias=False), Cost(12 * 8, 12 * 8 * 20)),
        (Conv(groups=4, channels=16), Cost(3 * 16 * 9 + 16, 3 * 16 * 9 * 20)),
        (SeparableConv(), Cost(12 * 9 + 12 * 8 + 8, (12 * 9 + 12 * 8) * 20)),
    ],
    ids=["conv", "without bias", "groups", "separable"],
)
def test_costs_are_those_worked_out_by_hand(op: Layer, cost: Cost) -> None:
    assert op.cost(P3, Site(channels=8), AREA, AREA) == cost


@pytest.mark.parametrize(
    ("setting", "place", "expected"),
    [("auto", True, True), ("auto", False, False), (True, False, True), (False, True, False)],
)
def test_a_bias_is_what_the_settings_say_and_automatically_what_the_place_says(
    setting: Bias, place: bool, expected: bool
) -> None:
    module = Conv(bias=setting).build(P3, Site(channels=8, bias=place))

    assert isinstance(module, nn.Conv2d)
    assert (module.bias is not None) is expected


def test_own_channels_go_before_the_nodes() -> None:
    assert Conv(channels=7).infer(P3, Site(channels=8)) == Feature(3, 7)


def test_a_plain_convolution_is_torchs_own() -> None:
    assert type(Conv().build(P3, Site(channels=8))) is nn.Conv2d
