"""Spatial pyramid pooling is windows of several sizes around each pixel."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.feature import Feature
from fpngraph.ops import Site
from fpngraph.ops.spp import Spp


def windows(x: Tensor, *sides: int) -> Tensor:
    return torch.cat([x, *(F.max_pool2d(x, side, stride=1, padding=side // 2) for side in sides)], dim=1)


@pytest.mark.parametrize(
    ("op", "sides"),
    [(Spp(), (5, 9, 13)), (Spp(kernel=3, times=2), (3, 5)), (Spp(kernel=1, times=1), (1,))],
    ids=["yolo", "narrow", "one pixel"],
)
@pytest.mark.parametrize("size", [(7, 22), (1, 1)])
def test_one_pooling_after_the_other_is_windows_of_several_sizes(
    op: Spp, sides: tuple[int, ...], size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    x = (torch.randn(2, 3, *size, dtype=torch.float64) - 5).requires_grad_()
    module = op.made((Feature(3, 3),), Site())

    y, expected = module(x), windows(x, *sides)

    assert torch.equal(y, expected)
    factors = torch.randn_like(y)
    gradients = [torch.autograd.grad((maps * factors).sum(), x) for maps in (y, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_it_gives_a_map_more_than_it_has_windows() -> None:
    assert Spp(times=2).infer((Feature(4, 6),), Site()) == Feature(4, 18)


@pytest.mark.parametrize("factor", [0.0, 3.0])
def test_a_factor_that_is_not_negative_may_stand_before_or_after(factor: float) -> None:
    module: nn.Module = Spp().made((Feature(3, 3),), Site())
    x = torch.randn(1, 3, 6, 5)

    torch.testing.assert_close(module(factor * x), factor * module(x))


def test_windows_have_a_middle() -> None:
    with pytest.raises(ValidationError, match="an odd number, so that windows have a middle"):
        Spp(kernel=4)
