"""What is put on edges: arrowheads, and gaps where another edge crosses over."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cache, partial
from itertools import chain, combinations, pairwise, product

from fpngraph.drawing.layout.geometry import Box, Point, Track, crossing, distance, unit
from fpngraph.drawing.layout.penalties import Tile, tiles
from fpngraph.drawing.layout.plan import layer
from fpngraph.drawing.layout.routes import Route

LINE = 1.8
"""The width of an edge that has no weight, and of what a node is drawn with."""
HEAD = 8.5
"""Length of an arrowhead; its notch, where the line ends, is nearer to the tip."""
REPEATED = (3.0, 2.4)
"""Dashes of the border of a node that stands for one in another row."""
NOTCH = 6.8
_HALF_HEAD = 3.7
_HEAD_GROWTH = 0.7  # px to each side per px of a wider line
DASH = (6.5, 3.2)
"""Of an edge that goes up: on, off."""
_GAP = 3.2  # between a line and one that crosses over it
_WIDEST_GAP = 6.5
_STRAIGHT = 0.12  # sine of what a line turns within two gaps

Interval = tuple[float, float]
Segment = tuple[int, int, Point, Point]
"""Number of the track and of the part in it, and the part's two ends."""


def arrowhead(track: Track, wider: float = 0.0) -> tuple[Point, ...]:
    """The outline of the head at the end of a track that reaches to its tip.

    ``wider``: px by which its line is wider than usual.
    """
    tip = track.points[-1]
    dx, dy = unit(track.point(track.length - HEAD), tip)
    bx, by = tip[0] - dx * HEAD, tip[1] - dy * HEAD
    half = _HALF_HEAD + max(wider, 0.0) * _HEAD_GROWTH
    sx, sy = -dy * half, dx * half
    return tip, (bx + sx, by + sy), (tip[0] - dx * NOTCH, tip[1] - dy * NOTCH), (bx - sx, by - sy)


class Segments:
    """The straight parts of all tracks by where they are on the page."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self.near: dict[Tile, list[Segment]] = defaultdict(list)
        for key, track in enumerate(tracks):
            for number, (a, b) in enumerate(pairwise(track.points)):
                box = (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
                for tile in tiles(box, 0.0):
                    self.near[tile].append((key, number, a, b))

    def around(self, box: Box, reach: float) -> Iterator[Segment]:
        for tile in tiles(box, reach):
            yield from self.near.get(tile, ())

    def crossings(self) -> Iterator[tuple[Segment, float, Segment, float]]:
        """Pairs of parts of different tracks that cross, and at which share of each."""
        seen: set[tuple[int, int, int, int]] = set()
        for here in self.near.values():
            # most lie along the sweeps, where many are in one tile, and none of them crosses another
            along = [it for it in here if it[2][1] == it[3][1]]
            across = [it for it in here if it[2][1] != it[3][1]]
            for one, other in chain(combinations(across, 2), product(along, across)):
                if one[0] != other[0] and (shares := crossing(one[2], one[3], other[2], other[3])):
                    name = (one[0], one[1], other[0], other[1])
                    if name not in seen:
                        seen.add(name)
                        yield one, shares[0], other, shares[1]


def gaps(
    routes: Sequence[Route], tracks: Sequence[Track], segments: Segments, wider: Sequence[float]
) -> dict[int, list[Interval]]:
    """Per route the stretches along it that stay open, since another route crosses over it there.

    ``wider``: px by which the line of each route is wider than usual.
    """
    found: dict[int, list[Interval]] = {}
    turns = cache(partial(_turn, tracks))  # a part may be crossed by many
    for one, share, other, other_share in segments.crossings():
        if routes[one[0]].source == routes[other[0]].source:
            continue
        pairs = ((one, share), (other, other_share))
        (key, number, a, b), lower_share = min(
            pairs, key=lambda pair: (layer(routes[pair[0][0]].link), turns(*pair[0][:2]), pair[0][0])
        )
        upper = other[0] if key == one[0] else one[0]
        along = tracks[key].lengths[number] + lower_share * distance(a, b)
        half = min((_GAP + max(wider[upper], 0.0) / 2) / max(_sine(one, other), 0.2), _WIDEST_GAP)
        if half < along < tracks[key].length - HEAD - half:
            found.setdefault(key, []).append((along - half, along + half))
    return found


def _turn(tracks: Sequence[Track], key: int, number: int) -> bool:
    """Whether a line bends where a part of it is: a bend with a gap looks like two loose ends."""
    track, along = tracks[key], tracks[key].lengths[number]
    (ux, uy), (vx, vy) = track.heading(along - _GAP), track.heading(along + 3 * _GAP)
    return abs(ux * vy - uy * vx) > _STRAIGHT


def _sine(one: Segment, other: Segment) -> float:
    """Of the angle between two parts."""
    (ux, uy), (vx, vy) = unit(*one[2:]), unit(*other[2:])
    return abs(ux * vy - uy * vx)


def dashes(track: Track, open_at: Sequence[Interval], *, dashed: bool, in_step: bool) -> tuple[float, ...]:
    """The dash array of a route's line: its own dashes, and the stretches that stay open.

    ``in_step``: the dashes keep their length, since another line lies under this one from its start.
    """
    length = track.length - NOTCH
    on, off = DASH
    if dashed and not in_step:
        scale = length / (round((length - on) / (on + off)) * (on + off) + on)
        on, off = on * scale, off * scale
    if not open_at:
        return (on, off) if dashed else ()
    period = on + off
    own = [(0.0, length)]
    if dashed:
        own = [(step * period, step * period + on) for step in range(int(length // period) + 1)]
    array = [0.0]
    reached = 0.0
    for start, end in _without(own, sorted(open_at)):
        if start > reached:
            array += [start - reached, 0.0]
        array[-1] += end - start
        reached = end
    return (*array, length)


def shared_starts(routes: Sequence[Route]) -> set[Point]:
    """Where the curves of several routes begin together."""
    starts = Counter(route.curve.start for route in routes)
    return {start for start, count in starts.items() if count > 1}


def _without(drawn: Sequence[Interval], open_at: Sequence[Interval]) -> Iterator[Interval]:
    for first, end in drawn:
        start = first
        for left, right in open_at:
            if right > start and left < end:
                if left > start:
                    yield start, left
                start = right
        if start < end:
            yield start, end
