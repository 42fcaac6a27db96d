from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fpngraph.feature import Feature, Size
from fpngraph.layers.resample.adaptive import windows
from fpngraph.ops import Cost, Down, Site
from fpngraph.ops.resample.adaptive import AdaptiveAvgPool, AdaptiveMaxPool
from tests.necks import maps, neck_of
from tests.traces import trace

C3 = (Feature(3, 12),)
POOLS = {
    "max": (AdaptiveMaxPool(), lambda window: window.amax((2, 3))),
    "avg": (AdaptiveAvgPool(), lambda window: window.mean((2, 3))),
}
SIZES = [((13, 9), (7, 5)), ((16, 24), (4, 6)), ((5, 3), (3, 2)), ((7, 7), (1, 4)), ((6, 5), (4, 3))]


def pooled(x: Tensor, size: tuple[int, int], reduced: Callable[[Tensor], Tensor]) -> Tensor:
    """Window by window: from the pixel that it begins in to the one that it ends in."""

    def span(i: int, n: int, wanted: int) -> slice:
        return slice(math.floor(i * n / wanted), math.ceil((i + 1) * n / wanted))

    (height, width), (rows, columns) = x.shape[2:], size
    lines = [
        torch.stack([reduced(x[:, :, span(i, height, rows), span(j, width, columns)]) for j in range(columns)], dim=2)
        for i in range(rows)
    ]
    return torch.stack(lines, dim=2)


@pytest.mark.parametrize(("before", "after"), SIZES, ids=str)
@pytest.mark.parametrize(("op", "reduced"), POOLS.values(), ids=POOLS)
def test_windows_cover_the_map_evenly(
    op: Down, reduced: Callable[[Tensor], Tensor], before: tuple[int, int], after: tuple[int, int]
) -> None:
    module = op.build(C3, Site(ratio=2))
    x = torch.randn(2, 12, *before, dtype=torch.float64)

    torch.testing.assert_close(module(x, after), pooled(x, after, reduced), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(("op", "reduced"), POOLS.values(), ids=POOLS)
def test_a_trace_covers_maps_of_other_sizes_evenly_too(op: Down, reduced: Callable[[Tensor], Tensor]) -> None:
    class Like(torch.nn.Module):
        def forward(self, x: Tensor, like: Tensor) -> Tensor:
            y: Tensor = op.build(C3, Site(ratio=2))(x, like.shape[-2:])
            return y

    traced = trace(Like(), torch.randn(1, 2, 16, 12), torch.zeros(8, 6))

    for before, after in (*SIZES, ((4, 4), (4, 4))):
        x = torch.randn(2, 3, *before)
        torch.testing.assert_close(traced(x, torch.zeros(*after)), pooled(x, after, reduced))


def test_a_shorter_window_has_its_last_pixel_again_which_does_not_count() -> None:
    pixels, counts = windows(5, 3, torch.zeros(()))

    assert pixels.tolist() == [[0, 1, 1], [1, 2, 3], [3, 4, 4]]
    assert counts.tolist() == [[True, True, False], [True, True, True], [True, True, False]]


@pytest.mark.parametrize("op", [AdaptiveMaxPool(), AdaptiveAvgPool()], ids=["max", "avg"])
def test_a_map_of_the_size_wanted_comes_back_as_it_is_and_nothing_is_learned(op: Down) -> None:
    x = torch.randn(2, 12, 3, 5)

    assert op.build(C3, Site(ratio=2))(x, (3, 5)) is x
    assert op.cost(C3, Site(ratio=2), Size(8, 8), Size(4, 4)) == Cost(0, 0)
    assert op.infer(C3, Site(ratio=4)) == Feature(5, 12)


@pytest.mark.parametrize("name", ["adaptive_max_pool", "adaptive_avg_pool"])
def test_it_goes_to_the_size_of_a_level_that_was_rounded_in_another_way(name: str) -> None:
    neck = neck_of(f"out5: {{inputs: [P3, {{from: P5, project: always}}], resample: {{down: {name}}}}}", outputs="out5")
    fused = neck.fuse()
    given = maps(neck, 224, 160)
    given[0] = torch.randn(2, 4, 27, 19)

    assert neck(given)[0].shape == (2, 4, 7, 5)
    torch.testing.assert_close(fused(given), neck(given), rtol=1e-5, atol=1e-5)
