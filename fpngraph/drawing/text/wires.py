"""Lines on a grid of characters, found one by one; those of different sources only ever cross at right angles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count, pairwise

Square = tuple[int, int]
"""Column and line of a character."""
Way = tuple[int, int]
Port = tuple[Square, Way, float]
"""A square beside a node, the way in which a line runs there, and the dislike of it."""
RIGHT, DOWN, LEFT, UP = (1, 0), (0, 1), (-1, 0), (0, -1)
_WAYS = (RIGHT, DOWN, LEFT, UP)

_STEP: Mapping[Way, float] = {RIGHT: 1.0, LEFT: 1.0, UP: 2.0, DOWN: 2.0}  # a character is twice as high as wide
_TURN = 2.5
_CROSSING = 4.0
_BRANCH = 9.0
_BESIDE_LINE = 0.6
_BESIDE_NODE = 1.2


@dataclass(frozen=True, slots=True)
class Net:
    """All lines of one source and one kind; they may share a beginning."""

    source: str
    kind: str


class Board:
    """A grid with nodes (squares that are taken) and the lines between them."""

    def __init__(self, width: int, height: int, taken: Iterable[Square]) -> None:
        self.width, self.height = width, height
        self._taken = frozenset(taken)
        self.arms: dict[Square, dict[Way, Net]] = defaultdict(dict)
        """The ways in which lines leave each square."""
        self.heads: dict[Square, tuple[Way, Net]] = {}
        """Cells with the head of an arrow, and where it points."""
        self.tangle = 0.0
        """How hard the lines are to follow: what their bends and crossings cost."""

    def connect(self, net: Net, starts: Iterable[Port], ends: Iterable[Port]) -> bool:
        """Add a line from one of the ports, or from a line of the same net, to one of the ends, if there is a way."""
        path = self._search(net, list(starts), list(ends))
        if path is None:
            return False
        (first, way), *_ = path
        before = first[0] - way[0], first[1] - way[1]
        if before in self.arms:  # it leaves a line, not a node
            self.arms[before][way] = net
        for (square, entered), (_, left) in pairwise(path):
            self.tangle += (_TURN if left != entered else 0.0) + (_CROSSING if square in self.arms else 0.0)
            self.arms[square] |= {_back(entered): net, left: net}
        self.heads[path[-1][0]] = path[-1][1], net
        return True

    def _search(self, net: Net, starts: list[Port], ends: list[Port]) -> list[tuple[Square, Way]] | None:
        """The cheapest path as squares with the way in which each is entered (A*)."""
        goals = {(square, way): dislike for square, way, dislike in ends if self._is_free(square)}
        if not goals:
            return None
        box = _extent(square for square, _ in goals)
        tie = count()
        heap: list[tuple[float, int, float, Square, Way, tuple[Square, Way] | None]] = []
        for square, way, cost in (*starts, *self._branches(net)):
            heappush(heap, (cost + _least(square, box), next(tie), cost, square, way, None))
        came: dict[tuple[Square, Way], tuple[Square, Way] | None] = {}
        while heap:
            _, _, cost, square, way, before = heappop(heap)
            if (square, way) in came or not self._may_enter(square, way):
                continue
            came[square, way] = before
            if (square, way) in goals:
                return _traced(came, (square, way))
            for onward in _WAYS:
                if onward == _back(way):
                    continue
                nxt = square[0] + onward[0], square[1] + onward[1]
                spent = cost + self._cost(nxt, onward) + (_TURN if onward != way else 0.0) + goals.get((nxt, onward), 0)
                heappush(heap, (spent + _least(nxt, box), next(tie), spent, nxt, onward, (square, way)))
        return None

    def _is_free(self, square: Square) -> bool:
        inside = 0 <= square[0] < self.width and 0 <= square[1] < self.height
        return inside and square not in self._taken and square not in self.arms and square not in self.heads

    def _may_enter(self, square: Square, way: Way) -> bool:
        """A free square, or one whose line is crossed at a right angle.

        Who turns on such a square gets no further: the line that is there goes on in both directions.
        """
        if self._is_free(square):
            return True
        crossed = self.arms.get(square)
        return crossed is not None and set(crossed) == {(way[1], way[0]), (-way[1], -way[0])}

    def _branches(self, net: Net) -> Iterator[Port]:
        """Where a line can leave another one of its net."""
        for square, arms in self.arms.items():
            if len(arms) == 2 and set(arms.values()) == {net}:
                for way in _WAYS:
                    if way not in arms:
                        yield (square[0] + way[0], square[1] + way[1]), way, _STEP[way] + _TURN + _BRANCH

    def _cost(self, square: Square, way: Way) -> float:
        cost = _STEP[way] + (_CROSSING if square in self.arms else 0.0)
        for side in (-1, 1):
            beside = square[0] + side * way[1], square[1] + side * way[0]
            if beside in self._taken:
                cost += _BESIDE_NODE
            elif way in self.arms.get(beside, ()) or _back(way) in self.arms.get(beside, ()):
                cost += _BESIDE_LINE
        return cost


def _extent(squares: Iterable[Square]) -> tuple[int, int, int, int]:
    xs, ys = zip(*squares, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _least(square: Square, box: tuple[int, int, int, int]) -> float:
    """What the way to the nearest end costs at least."""
    across = max(box[0] - square[0], 0, square[0] - box[2])
    along = max(box[1] - square[1], 0, square[1] - box[3])
    return across * _STEP[RIGHT] + along * _STEP[DOWN]


def _traced(
    came: Mapping[tuple[Square, Way], tuple[Square, Way] | None], end: tuple[Square, Way]
) -> list[tuple[Square, Way]]:
    path = [end]
    while (before := came[path[-1]]) is not None:
        path.append(before)
    return path[::-1]


def _back(way: Way) -> Way:
    return -way[0], -way[1]
