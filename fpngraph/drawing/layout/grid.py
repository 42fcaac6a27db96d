"""Where columns, rows and nodes lie on the page."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from fpngraph.drawing.layout import metrics
from fpngraph.drawing.layout.geometry import turned
from fpngraph.drawing.layout.lettering import width
from fpngraph.drawing.layout.metrics import Spacing
from fpngraph.drawing.layout.plan import Plan

Flow = Literal["right", "up"]
"""Where the sweeps of a diagram go from its inputs."""

_LONG = 3  # columns from which on an edge between levels runs along its row for a while


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
        reach += metrics.PORT_GAP if self.half else 0.0
        return self.x + dx * reach, self.y + dy * reach

    def turned(self) -> Place:
        x, y = turned((self.x, self.y))
        return replace(self, x=x, y=y)


@dataclass(frozen=True, slots=True)
class Grid:
    """Places of all spots and stubs, and the lines they stand on.

    Sweeps are columns from left to right and levels are rows; in a turned grid, sweeps are rows from the lowest up and
    levels are columns.
    """

    radius: float
    sweeps: tuple[float, ...]
    """Centres of the sweeps, along them."""
    lines: tuple[float, ...]
    """Centres of the levels, across the sweeps."""
    levels: tuple[int, ...]
    """Of the lines; the highest first."""
    column: Mapping[str, int]
    """Number of a spot's sweep."""
    row: Mapping[str, int]
    """Number of its level's line."""
    places: Mapping[str, Place]
    stubs: Mapping[str, Place]
    """Public name of an output to the end of its stub."""
    spans: tuple[tuple[int, int], ...]
    """First and last sweep of every cell."""
    spacing: Spacing
    flow: Flow = "right"

    @property
    def pitch(self) -> float:
        """Between the centres of two columns of a cell."""
        return self.spacing.columns + 2 * (self.radius - metrics.RADIUS)

    def turned(self) -> Grid:
        """With sweeps that go up and the highest level on the right."""
        return replace(
            self,
            sweeps=tuple(-x for x in self.sweeps),
            lines=tuple(-y for y in self.lines),
            places={name: place.turned() for name, place in self.places.items()},
            stubs={name: place.turned() for name, place in self.stubs.items()},
            flow="up",
        )


def lay_out(plan: Plan, column: Mapping[str, int], *, radius: float, flow: Flow, spacing: Spacing) -> Grid:
    """A grid with levels as rows. ``flow``: where its sweeps will go, since names of outputs are wider than high."""
    levels = tuple(sorted({spot.level for spot in plan.spots.values()}, reverse=True))
    row = {name: levels.index(spot.level) for name, spot in plan.spots.items()}
    spans = tuple(_span(plan, column, number) for number in range(len(plan.cells)))
    xs = tuple(_column_centres(spans, column, radius, spacing, _steep(plan, column, row)))
    names = {number: _names(plan, row, column, number) for number in range(len(levels))}
    pitches = {number: _stub_pitch(names[number], flow) for number in names}
    stub_rooms = [pitches[number] * len(names[number]) for number in names]
    ys = tuple(_row_centres(plan, column, row, stub_rooms, radius))
    places = {
        name: Place(name, xs[column[name]], ys[row[name]], radius - (spot.kind == "input"), spot.kind == "input")
        for name, spot in plan.spots.items()
    }
    right = xs[-1] + radius + spacing.stub + (2 * metrics.CARD_STEP + 2.0 if plan.cells[-1].runs > 1 else 0.0)
    stubs: dict[str, Place] = {}
    for number, public in names.items():
        for position, name in enumerate(public):
            offset = (position - (len(public) - 1) / 2) * pitches[number]
            stubs[name] = Place(name, right, ys[number] + offset, 0.0)
    return Grid(radius, xs, ys, levels, column, row, places, stubs, spans, spacing)


def output_size(crowd: int) -> float:
    """Of the letters of an output's name, where so many stand at its level."""
    return 15.0 if crowd == 1 else 12.0


def _names(plan: Plan, row: Mapping[str, int], column: Mapping[str, int], number: int) -> list[str]:
    """The outputs of a row: those of its last node between those of the others, whose ways lie around each other."""
    spots = sorted((spot for spot in plan.outputs if row[spot] == number), key=lambda spot: column[spot])
    half = len(spots) // 2
    ends = [*spots[:half], *spots[-1:], *reversed(spots[half:-1])]
    return [name for spot in ends for name in plan.outputs[spot]]


def _stub_pitch(names: list[str], flow: Flow) -> float:
    if flow == "right":
        return metrics.STUB_PITCH
    widest = max((width(name, output_size(len(names)), 700) for name in names), default=0.0)
    return max(metrics.STUB_PITCH, widest + metrics.NAME_GAP)


def _span(plan: Plan, column: Mapping[str, int], cell: int) -> tuple[int, int]:
    inside = [column[name] for name, spot in plan.spots.items() if spot.cell == cell]
    return min(inside), max(inside)


def _column_centres(
    spans: tuple[tuple[int, int], ...],
    column: Mapping[str, int],
    radius: float,
    spacing: Spacing,
    steep: Counter[int],
) -> Iterator[float]:
    firsts = {first for first, _ in spans if first > 0}
    x = 0.0
    yield x
    for number in range(1, max(column.values()) + 1):
        x += spacing.columns + 2 * (radius - metrics.RADIUS) + (spacing.cells if number in firsts else 0.0)
        x += metrics.STEEP_PITCH * max(0, steep[number] - metrics.STEEP_EDGES)
        yield x


def _steep(plan: Plan, column: Mapping[str, int], row: Mapping[str, int]) -> Counter[int]:
    """By column, how many edges come from the one before and pass a row: they need room to be told apart."""
    ends = ((link.source, link.target) for link in plan.links)
    return Counter(
        column[target]
        for source, target in ends
        if column[target] == column[source] + 1 and abs(row[target] - row[source]) > 1
    )


def _row_centres(
    plan: Plan, column: Mapping[str, int], row: Mapping[str, int], stub_rooms: list[float], radius: float
) -> Iterator[float]:
    rows = len(stub_rooms)
    bundles = [_overlap(plan, column, row, number) for number in range(rows)]
    y = 0.0
    yield y
    for upper, lower in pairwise(range(rows)):
        further = max(bundles[upper], bundles[lower], 1) - 1
        pitch = min(
            metrics.ROW_PITCH + 2 * (radius - metrics.RADIUS) + metrics.BUNDLE_PITCH * further, metrics.WIDEST_PITCH
        )
        y += max(pitch, max(stub_rooms[upper], stub_rooms[lower]) + metrics.STUB_PITCH)
        yield y


def _overlap(plan: Plan, column: Mapping[str, int], row: Mapping[str, int], number: int) -> int:
    """The most bundles of skips, one per source, that run beside a row at one place."""
    held = sorted({column[name] for name in plan.spots if row[name] == number})
    reach: dict[str, int] = {}
    for link in plan.links:
        if row[link.source] != number:
            continue
        start, end = column[link.source], column[link.target]
        passed = bisect_right(held, start) < bisect_left(held, end)
        if (row[link.target] == number and passed) or (row[link.target] != number and end - start >= _LONG):
            reach[link.source] = max(end, reach.get(link.source, end))
    starts, ends = sorted(column[source] for source in reach), sorted(reach.values())
    return max((bisect_right(starts, start) - bisect_right(ends, start) for start in starts), default=0)
