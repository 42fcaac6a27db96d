"""The ends of edges at a node, moved apart so that no two of them look like one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import asin, atan2, cos, degrees, radians, sin

from fpngraph.drawing.layout import metrics
from fpngraph.drawing.layout.geometry import Curve, Point, distance, split_before_end, unit
from fpngraph.drawing.layout.grid import Grid, Place
from fpngraph.drawing.layout.wishes import Wish

_APART = 11.0  # px between two tips
_FROM_START = 6.5  # px between a tip and the start of an edge that leaves
_ROUNDS = 30
_FURTHEST = 40.0  # degrees
_TAIL, _LONGEST_TAIL = 24.0, 70.0  # px of an edge that follow its tip
_SHORTEST = 60.0  # px of a straight edge that may turn
_ENOUGH = 0.5  # degrees that are not worth a move


@dataclass
class _Ends:
    """What ends at a node, by its angle around the node in degrees."""

    radius: float
    coming: list[Wish] = field(default_factory=list)
    leaving: list[float] = field(default_factory=list)


def spread(taken: Mapping[Wish, Curve], grid: Grid) -> dict[Wish, Curve]:
    """The curves with tips that are apart where there is room; copies of an edge in equal runs stay alike."""
    nodes: dict[str, _Ends] = {name: _Ends(place.half + metrics.PORT_GAP) for name, place in grid.places.items()}
    angle: dict[Wish, float] = {}
    for wish, curve in taken.items():
        start = _angle(wish.source, curve.start)
        for source, target in wish.ends:
            nodes[source].leaving.append(start)
            if wish.target.half:  # else it is the stub of an output, which may have a node's name
                nodes[target].coming.append(wish)
        if wish.target.half:
            angle[wish] = _angle(wish.target, curve.end)
    fixed = {wish for wish in taken if wish.pinned or not _may_turn(taken[wish])}
    turns = dict.fromkeys(taken, 0.0)
    crowded = [ends for ends in nodes.values() if len(ends.coming) > 1]
    for _ in range(_ROUNDS):
        pushes: dict[Wish, list[float]] = defaultdict(list)
        for ends in crowded:
            for wish, push in _pushes(ends, angle, turns, fixed):
                pushes[wish].append(push)
        for wish, several in pushes.items():  # between two neighbours that are too near it comes to stand in the middle
            turn = turns[wish] + (max(0.0, *several) + min(0.0, *several)) / 2
            turns[wish] = max(-_FURTHEST, min(_FURTHEST, turn))
        if not pushes:
            break
    return {
        wish: _turned(curve, wish.target, turns[wish]) if abs(turns[wish]) > _ENOUGH else curve
        for wish, curve in taken.items()
    }


def _pushes(
    ends: _Ends, angle: Mapping[Wish, float], turns: Mapping[Wish, float], fixed: set[Wish]
) -> Iterator[tuple[Wish, float]]:
    """What is too near to a neighbour, and by how many degrees it has to turn."""
    around: list[tuple[float, Wish | None]] = [((angle[wish] + turns[wish]) % 360.0, wish) for wish in ends.coming]
    around += [(start % 360.0, None) for start in ends.leaving]
    around.sort(key=lambda pair: (pair[0], pair[1] is None))
    around.append((around[0][0] + 360.0, around[0][1]))
    tips, starts = (degrees(2 * asin(px / 2 / ends.radius)) for px in (_APART, _FROM_START))
    for (low, one), (high, other) in pairwise(around):
        short = (tips if one and other else starts) - (high - low)
        free = [wish for wish in (one, other) if wish and wish not in fixed]
        if short > _ENOUGH:
            for wish in free:
                yield wish, (-short if wish is one else short) / len(free)


def _may_turn(curve: Curve) -> bool:
    """Whether the end of a curve can be moved: it is bent, or straight and long."""
    last = curve.pieces[-1]
    return len(last) == 4 or (len(curve.pieces) == 1 and distance(*last) > _SHORTEST)


def _turned(curve: Curve, target: Place, turn: float) -> Curve:
    """The curve with its tip turned around the target, by degrees; only what is near the tip moves with it."""
    angle = radians(_angle(target, curve.end) + turn)
    way = cos(angle), sin(angle)
    end = target.port(*way)
    last = curve.pieces[-1]
    if len(last) == 2:
        return Curve(((last[0], end),))
    tail = max(_TAIL, min(_LONGEST_TAIL, 0.5 * distance(last[0], last[-1])))
    kept, at = split_before_end(last, min(tail, 0.8 * distance(last[0], last[-1])))
    heading = unit(kept[2], kept[3])
    reach = distance(at, end) * 0.4
    ahead = at[0] + heading[0] * reach, at[1] + heading[1] * reach
    outside = end[0] + way[0] * reach, end[1] + way[1] * reach
    return Curve((*curve.pieces[:-1], kept, (at, ahead, outside, end)))


def _angle(place: Place, point: Point) -> float:
    return degrees(atan2(point[1] - place.y, point[0] - place.x))
