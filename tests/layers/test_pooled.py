from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.layers.pooled import Pooled, means
from tests.traces import trace


@pytest.mark.parametrize("bins", [1, 2, 3, 6])
@pytest.mark.parametrize("size", [(1, 1), (4, 9), (12, 6), (13, 7)], ids=str)
def test_means_of_a_traced_program_are_torchs_adaptive_pooling(bins: int, size: tuple[int, int]) -> None:
    class Means(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return means(x, bins)

    x = torch.randn(2, 3, *size, dtype=torch.float64)
    traced = trace(Means(), torch.randn(1, 3, 16, 12, dtype=torch.float64))

    expected = F.adaptive_avg_pool2d(x, bins)

    torch.testing.assert_close(means(x, bins), expected, rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(traced(x), expected, rtol=1e-14, atol=1e-14)


def test_what_is_pooled_comes_back_in_the_size_of_the_map() -> None:
    x = torch.arange(8.0).view(1, 1, 2, 4)

    y = Pooled([nn.Identity()], 2)(x)

    assert torch.equal(y, F.interpolate(x.view(1, 1, 2, 2, 2).mean(4), (2, 4), mode="bilinear"))
