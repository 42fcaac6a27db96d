"""The ways in which an edge could run, each with a dislike of its shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import cos, hypot, radians, sin

from fpngraph.drawing.layout import metrics
from fpngraph.drawing.layout.geometry import Curve, Piece, Point, rounded, unit
from fpngraph.drawing.layout.grid import Grid, Place

Candidate = tuple[float, Curve]

_LANES = 6  # at most, and as many where there is no row beyond


def straight(a: Place, b: Place) -> Curve:
    dx, dy = unit((a.x, a.y), (b.x, b.y))
    return Curve(((a.port(dx, dy), b.port(-dx, -dy)),))


def simple(a: Place, b: Place) -> Iterator[Candidate]:
    """Straight, bowed to either side, and S-shaped."""
    yield 0.0, straight(a, b)
    for height in metrics.BOWS:
        dislike = (3.0 if a.y != b.y else 8.0) + height / 20
        yield dislike, _bow(a, b, height)
        yield dislike, _bow(a, b, -height)
    if b.x > a.x and b.y != a.y:
        for share in (0.5, 0.75):
            yield 4.0 + 2 * share, _s_curve(a, b, share)


def lanes(a: Place, b: Place, grid: Grid, rows: tuple[int, int]) -> Iterator[Candidate]:
    """Arcs that run flat beside the row of the source, for targets in that row or the next one."""
    source, target = rows
    sides = (1, -1) if source == target else (1,) if target > source else (-1,)
    if abs(source - target) > 1 or b.x <= a.x:
        return
    for side in sides:
        for number, y in enumerate(_lane_heights(grid, source, side)):
            yield 2.0 + number * 0.8 + (1.5 if side < 0 else 0.0), _arc(a, b, y)


def channels(a: Place, b: Place, grid: Grid, rows: tuple[int, int]) -> Iterator[Candidate]:
    """Ways along the gaps between rows and columns: longer, but one of them is always free."""
    if b.x - a.x < grid.spacing.columns / 2:
        return
    source, target = rows
    half = grid.pitch / 2
    gap_out, gap_in = a.x + half, b.x - (half if b.half else grid.spacing.columns / 2)
    sides = (1, -1) if source == target else (1,) if target > source else (-1,)
    gutters = [away for away in metrics.GUTTERS if half + away > grid.radius + metrics.CLEARANCE]
    for further, away in enumerate(gutters):
        for side in sides:
            for number, y in enumerate(_lane_heights(grid, source, side)[: 4 - further // 2]):
                for curve in _lane_then_gutter(a, b, y, gap_in - away):
                    yield 14.0 + further + number, curve
            for number, y in enumerate(_lane_heights(grid, target, -side)[: 4 - further // 2] if b.half else ()):
                for curve in _gutter_then_lane(a, b, gap_out + away, y):
                    yield 14.0 + further + number, curve


def _lane_heights(grid: Grid, row: int, side: int) -> Sequence[float]:
    """Heights of the lanes on one side of a row (1: below), the nearest first."""
    base = grid.radius + 15.0
    neighbour = row + side
    room = base + (_LANES - 1) * metrics.LANE_PITCH
    if 0 <= neighbour < len(grid.lines):
        room = abs(grid.lines[neighbour] - grid.lines[row]) - grid.radius - metrics.CLEARANCE
    count = max(1, int((room - base) // metrics.LANE_PITCH) + 1)
    step = metrics.LANE_PITCH * max(1.0, count / _LANES)
    return [grid.lines[row] + side * (base + number * step) for number in range(min(count, _LANES))]


def _bow(a: Place, b: Place, height: float) -> Curve:
    dx, dy = unit((a.x, a.y), (b.x, b.y))
    lift = height * 4 / 3
    over = [(a.x + (b.x - a.x) * share + dy * lift, a.y + (b.y - a.y) * share - dx * lift) for share in (0.3, 0.7)]
    start = a.port(*unit((a.x, a.y), over[0]))
    end = b.port(*unit((b.x, b.y), over[1]))
    return Curve(((start, over[0], over[1], end),))


def _s_curve(a: Place, b: Place, share: float) -> Curve:
    start, end = a.port(1, 0), b.port(-1, 0)
    run = (end[0] - start[0]) * share
    return Curve(((start, (start[0] + run, start[1]), (end[0] - run, end[1]), end),))


def _ramp(place: Place, side: int, lane: float, reach: float) -> Piece:
    """From the border of a place up or down to a lane; ``side`` 1 leaves to the right, -1 to the left."""
    off = abs(lane - place.y)
    angle = radians(min(76.0, 52.0 + max(0.0, off - 40.0) * 0.6))
    way = 1 if lane > place.y else -1
    start = place.port(side * cos(angle), way * sin(angle))
    turn = abs(lane - start[1]) / (sin(angle) / cos(angle))
    end = place.x + side * reach
    bend = start[0] + side * min(turn, 0.6 * abs(end - start[0]))
    return start, (bend, lane), (bend + (end - bend) * 0.34, lane), (end, lane)


def _arc(a: Place, b: Place, lane: float) -> Curve:
    half = (b.x - a.x) * 0.47
    out = _ramp(a, 1, lane, min(_reach(a, lane), half))
    into = _ramp(b, -1, lane, min(_reach(b, lane), half))
    return Curve((out, (out[-1], into[-1]), into[::-1]))


def _reach(place: Place, lane: float) -> float:
    return place.half + 50.0 + max(0.0, abs(lane - place.y) - 40.0) * 0.25


def _lane_then_gutter(a: Place, b: Place, lane: float, gutter: float) -> Iterator[Curve]:
    """Along the row of the source, then across the rows right before the target."""
    room = gutter - metrics.CORNER - a.x
    if room < a.half + 20.0:
        return
    out = _ramp(a, 1, lane, min(_reach(a, lane), room))
    flat: list[Piece] = [out]
    if gutter - metrics.CORNER - out[-1][0] > 1e-6:
        flat.append((out[-1], (gutter - metrics.CORNER, lane)))
    way = 1 if b.y > lane else -1
    port = b.port(-1, 0)
    if abs(b.y - lane) > 2 * metrics.CORNER and port[0] - gutter > metrics.CORNER + 8.0:
        bend = rounded((gutter, b.y - way * metrics.CORNER), (gutter, b.y), (gutter + metrics.CORNER, b.y))
        first = rounded(flat[-1][-1], (gutter, lane), (gutter, lane + way * metrics.CORNER))
        yield Curve((*flat, first, (first[-1], bend[0]), bend, (bend[-1], port)))
    entry = _entry(b, gutter, way)
    if entry and abs(entry[0][1] - lane) > metrics.CORNER and (entry[0][1] - lane) * way > 0:
        first = rounded(flat[-1][-1], (gutter, lane), (gutter, lane + way * metrics.CORNER))
        yield Curve((*flat, first, (first[-1], entry[0]), entry))


def _gutter_then_lane(a: Place, b: Place, gutter: float, lane: float) -> Iterator[Curve]:
    """Across the rows right after the source, then along the row of the target: the other way, mirrored."""
    start, end = (Place(place.name, -place.x, place.y, place.half, place.square) for place in (b, a))
    for curve in _lane_then_gutter(start, end, lane, -gutter):
        yield Curve(tuple(tuple((-x, y) for x, y in piece[::-1]) for piece in curve.pieces[::-1]))


def _entry(b: Place, gutter: float, way: int) -> Piece | None:
    """From a gutter into the side of a node at an angle."""
    if not b.half:
        return None
    port = b.port(-0.76, -way * 0.65)
    drop = b.y - way * (b.half + 24.0)
    bend: Point = (gutter, drop + (port[1] - drop) * 0.55)
    toward = hypot(port[0] - gutter, port[1] - drop) * 0.35
    return (gutter, drop), bend, (port[0] - 0.76 * toward, port[1] - way * 0.65 * toward), port
