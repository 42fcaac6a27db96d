"""Graphs of papers of the last two years are equal to implementations of what the papers' text says, in plain torch."""

from __future__ import annotations

import pytest
import torch

import fpngraph
from tests.equality.counting_pyramid import Counting
from tests.equality.resized_tokens import Sta
from tests.equality.two_sensors import Clft
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


@pytest.mark.parametrize("size", [(16, 24), (8, 8)], ids=str)
def test_clft_adds_the_maps_of_two_sensors_from_coarse_to_fine(size: tuple[int, int]) -> None:
    given = (3, 4, 5, 6)
    theirs = randomised(Clft(given, channels=7))
    ours = fpngraph.build(fpngraph.load("clft", channels=7), given * 2)
    sides = [tuple(side >> index for side in size) for index in range(4)] * 2
    maps = [torch.randn(2, channels, *side) for channels, side in zip(given * 2, sides, strict=True)]

    families = {"RC": "camera", "RL": "lidar", "A": "joined"}
    names = {f"{mine}{level}": f"{part}.{level - 2}" for mine, part in families.items() for level in range(2, 6)}

    assert_equal_necks(ours, theirs, pairs(ours, theirs, names), maps)


@pytest.mark.parametrize("size", [(16, 24), (8, 8)], ids=str)
def test_cobicount_joins_a_pyramid_at_its_finest_level(size: tuple[int, int]) -> None:
    given = (3, 4, 5, 6)
    theirs = randomised(Counting(given, channels=7))
    ours = fpngraph.build(fpngraph.load("cobicount", channels=7), given)
    maps = [torch.randn(2, channels, *(side >> index for side in size)) for index, channels in enumerate(given)]

    names = {f"M{level}": f"lateral.{level - 2}" for level in range(2, 6)}
    names |= {f"P{level}": f"smooth.{level - 2}" for level in range(2, 6)} | {"F2": "fuse"}

    assert_equal_necks(ours, theirs, pairs(ours, theirs, names), maps)
