"""Which sizes of images a program takes is said, asked and kept."""

from __future__ import annotations

import pytest

from fpngraph.exporting.sizes import Sizes, attempts
from fpngraph.feature import Size

ANY, MULTIPLES, FIXED = attempts(32, Size(96, 224))


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        (ANY, "whose sides are 33 pixels or more"),
        (MULTIPLES, "whose sides are multiples of 32, 64 pixels or more"),
        (FIXED, "of 96x224 pixels"),
    ],
)
def test_they_are_said(sizes: Sizes, text: str) -> None:
    assert str(sizes) == text


@pytest.mark.parametrize(
    ("sizes", "taken", "refused"),
    [
        (ANY, [(33, 33), (1000, 35)], [(32, 64)]),
        (MULTIPLES, [(64, 96)], [(32, 64), (64, 65)]),
        (FIXED, [(96, 224)], [(224, 96)]),
    ],
)
def test_they_are_asked(sizes: Sizes, taken: list[tuple[int, int]], refused: list[tuple[int, int]]) -> None:
    assert [size for size in taken + refused if sizes.take(Size(*size))] == taken


@pytest.mark.parametrize(
    ("sizes", "near"),
    [(ANY, (33, 500)), (MULTIPLES, (64, 512)), (FIXED, (96, 224))],
)
def test_the_nearest_is_one_of_them(sizes: Sizes, near: tuple[int, int]) -> None:
    found = sizes.near(Size(20, 500))

    assert found == near
    assert sizes.take(found)
    assert all(sizes.take(other) for _, other in sizes.others(found))


def test_a_size_of_which_a_map_has_one_pixel_is_the_only_one() -> None:
    assert list(attempts(64, Size(64, 64))) == [Sizes(fixed=Size(64, 64))]


def test_they_go_through_a_file() -> None:
    for sizes in (ANY, MULTIPLES, FIXED):
        assert Sizes.model_validate_json(sizes.model_dump_json()) == sizes


@pytest.mark.parametrize(("sizes", "least"), [(ANY, [33, 33]), (MULTIPLES, [64, 64]), (FIXED, [])])
def test_torch_is_told_the_least_side_of_open_ones(sizes: Sizes, least: list[int]) -> None:
    dimensions = sizes.dimensions()

    assert [dimensions[axis].min for axis in dimensions if axis > 0] == least
