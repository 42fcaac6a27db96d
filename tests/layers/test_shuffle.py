from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from fpngraph.layers.resample.shuffle import PixelShuffle, SpaceToDepth


def test_a_pixel_of_four_channels_becomes_a_square_row_by_row() -> None:
    x = torch.tensor([1.0, 2, 3, 4]).view(1, 4, 1, 1)

    assert PixelShuffle(2)(x, (2, 2)).tolist() == [[[[1, 2], [3, 4]]]]


def test_a_square_becomes_channels_row_by_row() -> None:
    x = torch.tensor([[1.0, 2], [3, 4]]).view(1, 1, 2, 2)

    assert SpaceToDepth(2)(x, (1, 1)).flatten().tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("ratio", [2, 4, 8])
@pytest.mark.parametrize("size", [(16, 24), (17, 9), (13, 16), (3, 2), (1, 1)], ids=str)
def test_squares_that_end_beyond_the_map_have_zeros_there(size: tuple[int, int], ratio: int) -> None:
    x = torch.randn(2, 3, *size)
    height, width = (-(-side // ratio) for side in size)

    y = SpaceToDepth(ratio)(x, (height, width))

    beyond = F.pad(x, (0, width * ratio - size[1], 0, height * ratio - size[0]))
    assert torch.equal(y, F.pixel_unshuffle(beyond, ratio))
