"""Where columns, rows and nodes lie on the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from fpngraph.drawing.plan import Plan

ROW_PITCH = 78.0
BUNDLE_PITCH = 9.0
COLUMN_PITCH = 96.0
CELL_GAP = 34.0
PORT_GAP = 2.6
"""From the border of a node to the edges at it."""
_WIDEST_PITCH = 420.0
_LONG = 3  # columns from which on an edge between levels runs along its row for a while
_STUB = 52.0
_STUB_PITCH = 19.0
_CARDS = 16.0  # width that the cards behind a collapsed cell add


@dataclass(frozen=True, slots=True)
class Place:
    """Something that edges end at: a node, or the end of an output's stub (``half`` 0)."""

    name: str
    x: float
    y: float
    half: float
    """Radius, or half the side of a square."""
    square: bool = False

    def port(self, dx: float, dy: float) -> tuple[float, float]:
        """Where an edge in the direction of the unit vector (dx, dy) leaves."""
        reach = self.half
        if self.square:
            corner = self.half - 5.0
            flat = self.half / max(abs(dx), abs(dy))
            # on the rounded corner: where the ray meets the circle around (corner, corner)
            along = corner * (abs(dx) + abs(dy))
            inside = along * along - 2 * corner * corner + 25.0
            other = self.half * min(abs(dx), abs(dy)) / max(abs(dx), abs(dy))
            reach = flat if other <= corner or inside < 0 else along + inside**0.5
        reach += PORT_GAP if self.half else 0.0
        return self.x + dx * reach, self.y + dy * reach


@dataclass(frozen=True, slots=True)
class Grid:
    """Places of all spots and stubs, and the lines they stand on."""

    radius: float
    xs: tuple[float, ...]
    """Centres of the columns."""
    ys: tuple[float, ...]
    """Centres of the rows, the highest level first."""
    levels: tuple[int, ...]
    column: Mapping[str, int]
    row: Mapping[str, int]
    places: Mapping[str, Place]
    stubs: Mapping[str, Place]
    """Public name of an output to the end of its stub."""
    spans: tuple[tuple[int, int] | None, ...]
    """First and last column of every cell."""


def lay_out(plan: Plan, column: Mapping[str, int], *, radius: float) -> Grid:
    levels = tuple(sorted({spot.level for spot in plan.spots.values()}, reverse=True))
    row = {name: levels.index(spot.level) for name, spot in plan.spots.items()}
    spans = tuple(_span(plan, column, number) for number in range(len(plan.cells)))
    xs = tuple(_column_centres(spans, column, radius))
    ys = tuple(_row_centres(plan, column, row, len(levels), radius))
    places = {
        name: Place(name, xs[column[name]], ys[row[name]], radius - (spot.kind == "input"), spot.kind == "input")
        for name, spot in plan.spots.items()
    }
    right = xs[-1] + radius + _STUB + (_CARDS if plan.cells[-1].runs > 1 else 0.0)
    stubs: dict[str, Place] = {}
    for number in range(len(levels)):
        ends = sorted((spot for spot in plan.outputs if row[spot] == number), key=lambda spot: column[spot])
        names = [name for spot in ends for name in plan.outputs[spot]]
        for position, name in enumerate(names):
            offset = (position - (len(names) - 1) / 2) * _STUB_PITCH
            stubs[name] = Place(name, right, ys[number] + offset, 0.0)
    return Grid(radius, xs, ys, levels, column, row, places, stubs, spans)


def _span(plan: Plan, column: Mapping[str, int], cell: int) -> tuple[int, int] | None:
    inside = [column[name] for name, spot in plan.spots.items() if spot.cell == cell]
    return (min(inside), max(inside)) if inside else None


def _column_centres(
    spans: tuple[tuple[int, int] | None, ...], column: Mapping[str, int], radius: float
) -> Iterator[float]:
    firsts = {span[0] for span in spans if span and span[0] > 0}
    x = 0.0
    yield x
    for number in range(1, max(column.values()) + 1):
        x += max(COLUMN_PITCH, COLUMN_PITCH + 2 * (radius - 17.0)) + (CELL_GAP if number in firsts else 0.0)
        yield x


def _row_centres(
    plan: Plan, column: Mapping[str, int], row: Mapping[str, int], rows: int, radius: float
) -> Iterator[float]:
    bundles = [_overlap(plan, column, row, number) for number in range(rows)]
    names = dict.fromkeys(range(rows), 0)
    for spot, public in plan.outputs.items():
        names[row[spot]] += len(public)
    y = 0.0
    yield y
    for upper, lower in pairwise(range(rows)):
        further = max(bundles[upper], bundles[lower], 1) - 1
        pitch = min(ROW_PITCH + 2 * (radius - 17.0) + BUNDLE_PITCH * further, _WIDEST_PITCH)
        y += max(pitch, _STUB_PITCH * (max(names[upper], names[lower]) + 1))
        yield y


def _overlap(plan: Plan, column: Mapping[str, int], row: Mapping[str, int], number: int) -> int:
    """The most bundles of skips, one per source, that run beside a row at one place."""
    held = {column[name] for name in plan.spots if row[name] == number}
    reach: dict[str, int] = {}
    for link in plan.links:
        if row[link.source] != number:
            continue
        start, end = column[link.source], column[link.target]
        passed = any(start < other < end for other in held)
        if (row[link.target] == number and passed) or (row[link.target] != number and end - start >= _LONG):
            reach[link.source] = max(end, reach.get(link.source, end))
    spans = [(column[source], end) for source, end in reach.items()]
    return max((sum(a <= start < b for a, b in spans) for start, _ in spans), default=0)
