"""The shipped graph simple_fpn gives what ViTDet's pyramid gives."""

from __future__ import annotations

import pytest
import torch

import fpngraph
from tests.equality.simple_pyramid import SimplePyramid
from tests.oracles.comparison import assert_equal_necks
from tests.oracles.pairing import Theirs, pairs
from tests.oracles.reference import randomised

NODES: dict[str, Theirs] = {
    "halfway": ["stride4.0", "stride4.1"],
    "P2": [f"stride4.{index}" for index in range(3, 8)],
    "P3": "stride8",
    "P4": "stride16",
    "P5": "stride32",
}


@pytest.mark.parametrize("size", [(14, 14), (8, 22), (2, 2)], ids=str)
def test_simple_fpn_is_vitdets_pyramid(size: tuple[int, int]) -> None:
    theirs = randomised(SimplePyramid(12, 8))
    ours = fpngraph.build(fpngraph.load("simple_fpn", channels=8), in_channels=[12])
    maps = [torch.randn(2, 12, *size, generator=torch.Generator().manual_seed(0))]

    assert_equal_necks(ours, theirs, pairs(ours, theirs, NODES), maps)
