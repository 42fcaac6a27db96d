"""The ends of edges at a node, moved apart so that no two of them look like one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import asin, atan2, cos, degrees, radians, sin

from fpngraph.drawing.layout import metrics
from fpngraph.drawing.layout.geometry import Curve, Point, distance, split_before_end, unit
from fpngraph.drawing.layout.grid import Grid, Place
from fpngraph.drawing.layout.penalties import HIT, Nodes, stroke
from fpngraph.drawing.layout.wishes import Wish

_APART = 11.0  # px between two tips
_FROM_START = 6.5  # px between a tip and the start of an edge that leaves
_ROUNDS = 30
_FURTHEST = 40.0  # degrees
_TAIL, _LONGEST_TAIL = 24.0, 70.0  # px of an edge that follow its tip
_SHORTEST = 60.0  # px of a straight edge that may turn
_ENOUGH = 0.5  # degrees that are not worth a move
_STILL = (0.0, 0.0)  # limits of the turn of what cannot turn
_TRIES = 4
_SHARES = (1.0, 0.75, 0.5, 0.25)  # of a turn


@dataclass
class _Ends:
    """What ends at a node, by its angle around the node in degrees."""

    radius: float
    coming: list[Wish] = field(default_factory=list)
    leaving: list[float] = field(default_factory=list)


def spread(taken: Mapping[Wish, Curve], grid: Grid, nodes: Nodes) -> dict[Wish, Curve]:
    """The curves with tips that are apart where there is room; copies of an edge in equal runs stay alike."""
    ends_at: dict[str, _Ends] = {name: _Ends(place.half + metrics.PORT_GAP) for name, place in grid.places.items()}
    angle: dict[Wish, float] = {}
    for wish, curve in taken.items():
        start = _angle(wish.source, curve.start)
        for source, target in wish.ends:
            ends_at[source].leaving.append(start)
            if wish.target.half:  # else it is the stub of an output, which may have a node's name
                ends_at[target].coming.append(wish)
        if wish.target.half:
            angle[wish] = _angle(wish.target, curve.end)
    crowded = [ends for ends in ends_at.values() if len(ends.coming) > 1]
    limits = {
        wish: _STILL if wish.pinned or not _may_turn(curve) else (-_FURTHEST, _FURTHEST)
        for wish, curve in taken.items()
    }
    turns: dict[Wish, float] = {}
    for _ in range(_TRIES):
        wanted = _turns(crowded, angle, limits)
        turns = {wish: _clear(taken[wish], wish, turn, nodes) for wish, turn in wanted.items()}
        blocked = [wish for wish, turn in turns.items() if turn != wanted[wish]]
        for wish in blocked:  # then its neighbours have to make room
            low, high = limits[wish]
            limits[wish] = (max(low, turns[wish]), high) if wanted[wish] < 0 else (low, min(high, turns[wish]))
        if not blocked:
            break
    return {
        wish: _turned(curve, wish.target, turns[wish]) if turns.get(wish) else curve for wish, curve in taken.items()
    }


def _turns(
    crowded: Sequence[_Ends], angle: Mapping[Wish, float], limits: Mapping[Wish, tuple[float, float]]
) -> dict[Wish, float]:
    """By how many degrees tips turn around their nodes, for those that do."""
    turns = dict.fromkeys(limits, 0.0)
    for _ in range(_ROUNDS):
        pushes: dict[Wish, list[float]] = defaultdict(list)
        for ends in crowded:
            for wish, push in _pushes(ends, angle, turns, limits):
                pushes[wish].append(push)
        for wish, several in pushes.items():  # between two neighbours that are too near it comes to stand in the middle
            low, high = limits[wish]
            turn = turns[wish] + (max(0.0, *several) + min(0.0, *several)) / 2
            turns[wish] = max(low, min(high, turn))
        if not pushes:
            break
    return {wish: turn for wish, turn in turns.items() if abs(turn) > _ENOUGH}


def _pushes(
    ends: _Ends,
    angle: Mapping[Wish, float],
    turns: Mapping[Wish, float],
    limits: Mapping[Wish, tuple[float, float]],
) -> Iterator[tuple[Wish, float]]:
    """What is too near to a neighbour, and by how many degrees it has to turn."""
    around: list[tuple[float, Wish | None]] = [((angle[wish] + turns[wish]) % 360.0, wish) for wish in ends.coming]
    around += [(start % 360.0, None) for start in ends.leaving]
    around.sort(key=lambda pair: (pair[0], pair[1] is None))
    around.append((around[0][0] + 360.0, around[0][1]))
    tips, starts = (degrees(2 * asin(px / 2 / ends.radius)) for px in (_APART, _FROM_START))
    for (low, one), (high, other) in pairwise(around):
        short = (tips if one and other else starts) - (high - low)
        free = [wish for wish in (one, other) if wish and limits[wish] != _STILL]
        if short > _ENOUGH:
            for wish in free:
                yield wish, (-short if wish is one else short) / len(free)


def _may_turn(curve: Curve) -> bool:
    """Whether the end of a curve can be moved: it is bent, or straight and long."""
    last = curve.pieces[-1]
    return len(last) == 4 or (len(curve.pieces) == 1 and distance(*last) > _SHORTEST)


def _clear(curve: Curve, wish: Wish, turn: float, nodes: Nodes) -> float:
    """As much of a turn as does not bring the curve too near to a node."""
    before = nodes.against(stroke(*wish.ends[0], wish.direction, curve))
    for share in _SHARES:
        turned = _turned(curve, wish.target, turn * share)
        if nodes.against(stroke(*wish.ends[0], wish.direction, turned)) < max(HIT, before):
            return turn * share
    return 0.0


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
