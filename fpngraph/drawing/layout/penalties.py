"""What speaks against a route: nodes in its way, and other routes that it crosses, follows or points at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot

from fpngraph.drawing.layout import metrics
from fpngraph.drawing.layout.geometry import Box, Curve, Point, crossing, distance, point_to_segment
from fpngraph.drawing.layout.grid import Place
from fpngraph.drawing.layout.telling import Direction

PER_PX = 0.12
APART = 9.0
"""For a second lane of one source, where one would do."""
HIT = 400.0
"""For a node that is not an end and too near, or more."""
_CROSSING = 16.0
_ARROWHEAD = 12.0
_JOINED = 60.0
_ONE_TIP = 1.0  # px between tips that look like one, and stay so
_PARALLEL, _COVERED = 5.0, 15.0
_HIDES = 3.0  # px from a line within which another one hides it
_SAMPLE = 8.0  # px of nearly parallel run that count once
_REACH = 40.0  # the radius of a node and what is near to it
_TILE = 96.0

Tile = tuple[int, int]
Section = tuple[Point, Point, float, float, float, float]
"""Two points, and the left, top, right and bottom of them."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A curve as straight sections, with its two ends."""

    source: str
    target: str
    direction: Direction
    sections: tuple[Section, ...]
    box: Box
    length: float

    @property
    def tip(self) -> Point:
        return self.sections[-1][1]

    def tiles(self) -> frozenset[Tile]:
        """The squares of the page in which it may meet something."""
        return frozenset(tile for section in self.sections for tile in tiles(section[2:], metrics.TIP))


def stroke(source: str, target: str, direction: Direction, curve: Curve) -> Stroke:
    sections = tuple(
        (a, b, min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])) for a, b in pairwise(curve.flat())
    )
    _, _, lefts, tops, rights, bottoms = zip(*sections, strict=True)
    box = (min(lefts), min(tops), max(rights), max(bottoms))
    return Stroke(
        source, target, direction, sections, box, sum(distance(section[0], section[1]) for section in sections)
    )


class Nodes:
    """The nodes of a page by where they are."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._near: dict[Tile, list[Place]] = defaultdict(list)
        for place in places:
            self._near[tile_of((place.x, place.y))].append(place)

    def against(self, route: Stroke) -> float:
        """What the nodes that are not its ends say against a route."""
        near = {tile for section in route.sections for tile in tiles(section[2:], _REACH)}
        return sum(
            _node_against(place, route)
            for tile in near & self._near.keys()
            for place in self._near[tile]
            if place.name not in (route.source, route.target)
        )


def _node_against(place: Place, route: Stroke) -> float:
    x, y = place.x, place.y
    border = place.half * (1.25 if place.square else 1.0)
    reach = border + metrics.EASY
    away = reach
    for a, b, left, top, right, bottom in route.sections:
        if left - reach < x < right + reach and top - reach < y < bottom + reach:
            away = min(away, point_to_segment((x, y), a, b))
    if away < border + metrics.CLEARANCE:
        return HIT + 20 * (metrics.CLEARANCE + border - away)
    return (reach - away) * 1.2


def between(route: Stroke, other: Stroke) -> float:
    """What another route says against one, and it against the other."""
    left, top, right, bottom = other.box
    left, top, right, bottom = left - metrics.TIP, top - metrics.TIP, right + metrics.TIP, bottom + metrics.TIP
    box = route.box
    if box[0] > right or box[2] < left or box[1] > bottom or box[3] < top:
        return 0.0
    total = 0.0
    for section in route.sections:
        if section[2] <= right and section[4] >= left and section[3] <= bottom and section[5] >= top:
            total += _section_against(route, section, other)
    if route.target == other.target and distance(route.tip, other.tip) < _ONE_TIP:
        total += _JOINED
    return total + _ARROWHEAD * (_points_at(route, other) + _points_at(other, route))


def _section_against(route: Stroke, section: Section, other: Stroke) -> float:
    total = 0.0
    a, b, left, top, right, bottom = section
    left, top, right, bottom = left - metrics.NEAR, top - metrics.NEAR, right + metrics.NEAR, bottom + metrics.NEAR
    same_source = route.source == other.source
    trunk = same_source and route.direction == other.direction
    for theirs in other.sections:
        if theirs[2] > right or theirs[4] < left or theirs[3] > bottom or theirs[5] < top:
            continue
        shares = crossing(a, b, theirs[0], theirs[1])
        if same_source:  # a branch begins on its trunk, which is no crossing
            total += _CROSSING / 2 if shares and min(shares) > 1e-6 else 0.0
        elif shares:
            total += _CROSSING * (0.8 if route.target == other.target else 1.0)
        if not trunk and not shares:
            total += _beside(a, b, theirs[0], theirs[1], covers=same_source) / _SAMPLE
    return total


def _points_at(route: Stroke, other: Stroke) -> bool:
    """Whether the tip of a route is at the line of another."""
    x, y = route.tip
    left, top, right, bottom = other.box
    if not (left - metrics.TIP < x < right + metrics.TIP and top - metrics.TIP < y < bottom + metrics.TIP):
        return False
    for a, b, left, top, right, bottom in other.sections:
        near = left - metrics.TIP < x < right + metrics.TIP and top - metrics.TIP < y < bottom + metrics.TIP
        if near and point_to_segment((x, y), a, b) < metrics.TIP:
            return True
    return False


def _beside(a: Point, b: Point, c: Point, d: Point, *, covers: bool) -> float:
    """What it costs that cd runs nearly parallel to ab and near it, by length; ``covers``: one begins on the other."""
    rx, ry, sx, sy = b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]
    length, other = hypot(rx, ry), hypot(sx, sy)
    if not length or not other or abs(rx * sy - ry * sx) > 0.35 * length * other:
        return 0.0
    rx, ry = rx / length, ry / length
    from_c, from_d = (c[0] - a[0]) * rx + (c[1] - a[1]) * ry, (d[0] - a[0]) * rx + (d[1] - a[1]) * ry
    first, last = max(0.0, min(from_c, from_d)), min(length, max(from_c, from_d))
    if last <= first:
        return 0.0
    middle = a[0] + rx * (first + last) / 2, a[1] + ry * (first + last) / 2
    apart = point_to_segment(middle, c, d)
    if apart >= metrics.NEAR:
        return 0.0
    return (last - first) * (_COVERED if covers and apart < _HIDES else _PARALLEL)


def tile_of(point: Point) -> Tile:
    return int(point[0] // _TILE), int(point[1] // _TILE)


def tiles(box: Box, margin: float) -> list[Tile]:
    """The squares of the page that a box touches."""
    left, top = int((box[0] - margin) // _TILE), int((box[1] - margin) // _TILE)
    right, bottom = int((box[2] + margin) // _TILE), int((box[3] + margin) // _TILE)
    if left == right and top == bottom:
        return [(left, top)]
    return [(x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)]
