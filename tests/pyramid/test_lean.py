"""A pyramid, and a neck in a host, train in less memory where they are asked to, with the same gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.layers.lean import LeanNode
from tests.pyramid.test_plugged import CHANNELS, SMALL, images


def pyramid(*, lean: bool) -> nn.Module:
    return fpngraph.FeaturePyramid("test_efficientnet", "bifpn", params=SMALL, lean=lean)


def plugged(*, lean: bool) -> nn.Module:
    return fpngraph.plug("bifpn", CHANNELS, params=SMALL, lean=lean)


@pytest.mark.parametrize(
    ("make", "given"),
    [(pyramid, torch.randn(2, 3, 128, 160)), (plugged, list(images().values()))],
    ids=["pyramid", "plugged"],
)
def test_a_lean_one_learns_the_same(make: Callable[..., nn.Module], given: Any) -> None:
    found: list[list[Tensor]] = []
    for lean in (False, True):
        torch.manual_seed(0)
        module = make(lean=lean)
        maps = module(given)
        torch.stack([x.square().mean() for x in (maps.values() if isinstance(maps, dict) else maps)]).sum().backward()
        assert any(isinstance(part, LeanNode) for part in module.modules()) == lean
        found.append([x for x in (parameter.grad for parameter in module.parameters()) if x is not None])

    assert len(found[0]) > 20
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)
