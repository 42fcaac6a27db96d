"""A norm of a backbone is folded only into a convolution that it alone reads, and what remains is named."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from timm.layers import Conv2dSame
from timm.models import register_notrace_module
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.pyramid.folding import in_inference
from tests.equality.closeness import assert_equal
from tests.fused_graphs import as_trained

ALONE = "follows no convolution that could take it in"


class Plain(nn.Module):
    """A convolution and its norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Any:
        return self.norm(self.conv(x))


class ReadTwice(Plain):
    """What the convolution gives is read by the norm and by the sum."""

    def forward(self, x: Tensor) -> Any:
        y = self.conv(x)
        return self.norm(y) + y


class CalledTwice(Plain):
    """The convolution and its norm are called for two maps, once without each other."""

    def forward(self, x: Tensor) -> Any:
        return self.norm(self.conv(x)) + self.conv(x + 1)


class WeightRead(Plain):
    """The weight of the convolution is used besides."""

    def forward(self, x: Tensor) -> Any:
        return self.norm(self.conv(x)) + F.conv2d(x, self.conv.weight, padding=1)


@register_notrace_module
class Apart(nn.Module):
    """What timm says cannot be followed: it calls what somebody else calls too, or a convolution and a norm."""

    def __init__(self, own: nn.Module) -> None:
        super().__init__()
        self.own = own

    def forward(self, x: Tensor) -> Any:
        return self.own(x) if bool(x.sum() != 0) else x


class CalledApart(Plain):
    """The convolution is called a second time where nobody can follow."""

    def __init__(self) -> None:
        super().__init__()
        self.apart = Apart(self.conv)

    def forward(self, x: Tensor) -> Any:
        return self.norm(self.conv(x)) + self.apart(x)


class Partly(Plain):
    """Something in it cannot be followed; the rest can."""

    def __init__(self) -> None:
        super().__init__()
        self.apart = Apart(Plain())

    def forward(self, x: Tensor) -> Any:
        return self.apart(self.norm(self.conv(x)))


class Nested(Plain):
    """A norm that reads what a container gives, whose last part is a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3))


class OfPixels(Plain):
    """A norm of the channels of each pixel as a list, after the usual one."""

    def __init__(self) -> None:
        super().__init__()
        self.flat = nn.BatchNorm1d(4)

    def forward(self, x: Tensor) -> Any:
        return self.flat(self.norm(self.conv(x)).flatten(2))


class Oblong(Plain):
    """TensorFlow's padding for a kernel that is no square, once for each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = Conv2dSame(4, 4, (1, 3), stride=2, groups=4)


def trained(kind: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    backbone = kind().double().eval()
    for part in backbone.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            as_trained(part)
    return backbone


def assert_folded_gives_the_same(backbone: nn.Module) -> dict[str, str]:
    """What of it is not folded."""
    x = torch.randn(2, 4, 9, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = backbone(x)

    folded, unfolded = in_inference(copy.deepcopy(backbone))

    assert_equal(folded(x), expected, type(backbone).__name__)
    left = {name for name, part in folded.named_modules() if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)}
    assert left == set(unfolded)
    return dict(unfolded)


@pytest.mark.parametrize(
    ("kind", "unfolded"),
    [
        (Plain, {}),
        (Oblong, {}),
        (Nested, {}),
        (ReadTwice, {"norm": ALONE}),
        (CalledTwice, {"norm": ALONE}),
        (WeightRead, {"norm": ALONE}),
        (CalledApart, {"norm": ALONE}),
        (Partly, {"apart.own.norm": "is in 'apart', which torch.fx cannot follow"}),
        (OfPixels, {"flat": "no rule for its class torch.nn.modules.batchnorm.BatchNorm1d"}),
    ],
    ids=lambda it: it.__name__ if isinstance(it, type) else "",
)
def test_a_norm_is_folded_only_into_a_convolution_that_is_its_own(
    kind: type[nn.Module], unfolded: dict[str, str]
) -> None:
    assert assert_folded_gives_the_same(trained(kind)) == unfolded


def doubled(_module: nn.Module, _given: object, y: Any) -> Any:
    return y * 2


def test_a_norm_after_a_hooked_container_is_not_folded_into_what_is_inside() -> None:
    backbone = trained(Nested)
    backbone.conv.register_forward_hook(doubled)

    assert assert_folded_gives_the_same(backbone) == {"norm": ALONE}


def test_a_norm_in_a_hooked_container_is_named_with_it() -> None:
    backbone = nn.Sequential(trained(Plain))
    backbone[0].register_forward_hook(doubled)

    assert assert_folded_gives_the_same(backbone) == {
        "0.norm": f"is in '0', which has a forward hook, {__name__}.doubled"
    }


def test_no_hook_is_called_while_a_backbone_is_followed() -> None:
    backbone, seen = trained(Nested), []
    backbone.conv.register_forward_hook(lambda _module, _given, y: seen.append(y))

    in_inference(backbone)

    assert seen == []
