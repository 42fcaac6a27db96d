"""Graphs of papers of the last two years are equal to implementations of what the papers' text says, in plain torch."""

from __future__ import annotations

import pytest
import torch

import fpngraph
from tests.equality.resized_tokens import Sta
from tests.oracles.comparison import assert_equal_necks
from tests.oracles.pairing import pairs
from tests.oracles.reference import randomised


@pytest.mark.parametrize("size", [(8, 12), (2, 2)], ids=str)
def test_sta_resizes_three_maps_of_one_stride_and_joins_them_with_others(size: tuple[int, int]) -> None:
    hidden, details = 6, (3, 4, 5)
    theirs = randomised(Sta(hidden, details, channels=7))
    ours = fpngraph.build(fpngraph.load("sta", channels=7), [hidden] * 3 + [*details])
    height, width = size
    maps = [torch.randn(2, hidden, height, width) for _ in range(3)]
    sides = [(2 * height, 2 * width), size, (height // 2, width // 2)]
    maps += [torch.randn(2, channels, *side) for channels, side in zip(details, sides, strict=True)]

    names = {f"P{level}": f"fuse.{level - 3}" for level in (3, 4, 5)}

    assert_equal_necks(ours, theirs, pairs(ours, theirs, names), maps)
