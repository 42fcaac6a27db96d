from __future__ import annotations

from itertools import combinations

import pytest

from fpngraph.drawing.picture.theme import Theme, colour, inks, shade

TEXT, LINE = 4.5, 3.0  # WCAG 2.2, success criteria 1.4.3 and 1.4.11
LEVELS = range(12)
PAGES: tuple[Theme, ...] = ("light", "dark", "grey", "print")


def luminance(colour: str) -> float:
    """WCAG's relative luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def on(page: Theme, role: str) -> str:
    return colour(role, page)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("role", "ground", "least"),
    [
        *((role, ground, TEXT) for role in ("ink", "muted") for ground in ("ground", "cell")),
        *((role, "ground", TEXT) for role in (f"text.{level}" for level in LEVELS)),
        *(("ink", f"fill.{level}", TEXT) for level in LEVELS),
        ("on_ink", "ink", TEXT),
        *((role, ground, TEXT) for role in ("down", "up") for ground in ("ground", "cell")),
        *((role, ground, LINE) for role in ("same", "ring") for ground in ("ground", "cell")),
        *((f"line.{level}", ground, LINE) for level in LEVELS for ground in ("ground", "cell")),
    ],
)
def test_texts_and_lines_stand_out(page: Theme, role: str, ground: str, least: float) -> None:
    assert contrast(on(page, role), on(page, ground)) >= least


@pytest.mark.parametrize("role", ["fill", "line", "text"])
def test_neighbouring_levels_differ(role: str) -> None:
    assert all(shade(f"{role}.{a}") != shade(f"{role}.{b}") for a, b in combinations(range(3, 9), 2))


ROLES = ("ground", "cell", "ink", "muted", "down", "up", "same", "ring", *(f"fill.{level}" for level in LEVELS))


def test_greys_are_grey_and_tell_directions_apart() -> None:
    assert all(len({found[1:3], found[3:5], found[5:7]}) == 1 for found in (on("grey", role) for role in ROLES))
    assert contrast(on("grey", "same"), on("grey", "down")) > 3
    assert contrast(on("grey", "same"), on("grey", "up")) > 2


@pytest.mark.parametrize("role", ["ground", "cell", "cell_line", "card", "guide", "ink", "muted", "same", "ring"])
def test_what_is_grey_in_print_needs_black_ink_alone(role: str) -> None:
    assert inks(on("print", role))[:3] == (0.0, 0.0, 0.0)


def test_no_colour_of_print_needs_more_ink_than_paper_takes() -> None:
    assert max(sum(inks(on("print", role))) for role in ROLES) < 2.4


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("#ffffff", (0, 0, 0, 0)),
        ("#000000", (0, 0, 0, 1)),
        ("#ff0000", (0, 1, 1, 0)),
        ("#0000ff", (1, 1, 0, 0)),
        ("#003366", (1, 0.5, 0, 0.6)),
    ],
)
def test_inks_are_those_of_the_colour(given: str, expected: tuple[float, ...]) -> None:
    assert inks(given) == pytest.approx(expected)
