"""The way of every edge and stub over the page: the cheapest one, equal in runs that repeat."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from math import inf
from operator import attrgetter

from fpngraph.drawing.layout.candidates import Candidate, channels, lanes, simple, straight
from fpngraph.drawing.layout.geometry import Curve
from fpngraph.drawing.layout.grid import Grid
from fpngraph.drawing.layout.penalties import APART, PER_PX, Nodes, Tile, stroke
from fpngraph.drawing.layout.plan import Link, Plan
from fpngraph.drawing.layout.tips import spread
from fpngraph.drawing.layout.ways import Way
from fpngraph.drawing.layout.wishes import Wish, wishes

_TRIALS = 6  # ways tried for one wish when its neighbours move too
_CONFLICT = 10.0  # less is not worth it
_LARGEST_GROUP = 14


@dataclass(frozen=True, slots=True)
class _Effort:
    """How hard a router tries."""

    ways: int
    """The most ways that are compared for a wish."""
    crowded: float
    """A way that costs more may be left for one along the gaps."""
    passes: int
    moves: int
    """How often a wish may choose again because a neighbour moved."""


# By the most edges that there may be: less for every edge the more there are, so that large graphs take seconds.
_EFFORTS = (
    (80, _Effort(ways=60, crowded=50.0, passes=3, moves=200)),
    (200, _Effort(ways=16, crowded=100.0, passes=2, moves=0)),
    (1000, _Effort(ways=3, crowded=400.0, passes=0, moves=0)),
    (inf, _Effort(ways=1, crowded=400.0, passes=0, moves=0)),  # no two edges are compared
)


@dataclass(frozen=True, slots=True)
class Route:
    """An edge of the plan, or the stub of an output, with its way."""

    source: str
    target: str
    """A spot, or the public name of the output."""
    link: Link | None
    """None for a stub."""
    curve: Curve

    def turned(self) -> Route:
        return replace(self, curve=self.curve.turned())


def routes(plan: Plan, grid: Grid) -> tuple[Route, ...]:
    """Edges in the order of the plan, then stubs."""
    ends: list[tuple[str, str, Link | None]] = [(link.source, link.target, link) for link in plan.links]
    ends += [(spot, name, None) for spot, names in plan.outputs.items() for name in names]
    wanted = sorted(wishes(plan, grid), key=lambda wish: (not wish.pinned, wish.length, wish.keys))
    nodes = Nodes(list(grid.places.values()))
    router = _Router(grid, nodes, next(effort for most, effort in _EFFORTS if len(wanted) <= most))
    for wish in wanted:
        router.place(wish)
    router.improve()
    router.mend()
    router.improve()
    curves: dict[int, Curve] = {}
    for wish, curve in spread({wish: way.curve for wish, way in router.taken.items()}, grid, nodes).items():
        for key, shift in zip(wish.keys, wish.shifts, strict=True):
            curves[key] = curve.shifted(shift) if shift else curve
    return tuple(Route(source, target, link, curves[key]) for key, (source, target, link) in enumerate(ends))


class _Router:
    """Finds ways for wishes one after the other, then mends what that order spoilt."""

    def __init__(self, grid: Grid, nodes: Nodes, effort: _Effort) -> None:
        self._grid = grid
        self._effort = effort
        self._moves = 0
        self._nodes = nodes
        self._ways: dict[Wish, list[Way]] = {}
        self._widened: set[Wish] = set()
        self._here: dict[Tile, dict[Wish, None]] = defaultdict(dict)
        self._leaving: dict[tuple[str, str], dict[Wish, None]] = defaultdict(dict)
        self.taken: dict[Wish, Way] = {}

    def place(self, wish: Wish) -> None:
        """Take the cheapest way, given those of the others."""
        if wish not in self._ways:
            self._ways[wish] = self._cheapest_of([], wish, self._usual(wish))
        way, price = self._cheapest(wish)
        if price > self._effort.crowded and not wish.pinned and wish not in self._widened:
            self._widened.add(wish)
            more = channels(wish.source, wish.target, self._grid, wish.rows)
            self._ways[wish] = self._cheapest_of(self._ways[wish], wish, more)
            way, _ = self._cheapest(wish)
        self._take(wish, way)

    def improve(self) -> None:
        """Choose again for every wish, now that all others have a way."""
        for _ in range(self._effort.passes):
            before = dict(self.taken)
            for wish in before:
                if not wish.pinned:
                    self._leave(wish)
                    self.place(wish)
            if self.taken == before:
                break

    def mend(self) -> None:
        """Try for every wish in conflict its other ways, where the neighbours then choose again too."""
        for wish in list(self.taken):
            free = not wish.pinned and len(self._ways[wish]) > 1
            conflict = self._conflict(wish, self.taken[wish]) if free else 0.0
            if conflict > _CONFLICT:
                limit = self.taken[wish].price + conflict
                for way in self._ways[wish][:_TRIALS]:
                    if way is not self.taken[wish] and way.price < limit and self._try(wish, way):
                        break

    def _try(self, wish: Wish, way: Way) -> bool:
        """Take another way and let the neighbours choose again; keep that if it is better for all together."""
        near = [*self._near(wish, way), *self._near(wish, self.taken[wish])]
        moved = [
            other
            for other in dict.fromkeys(near)
            if not other.pinned and (way.against(self.taken[other]) or self.taken[wish].against(self.taken[other]))
        ]
        moved += [other for other in self._leaving[_trunk(wish)] if not other.pinned and other not in (wish, *moved)]
        if len(moved) > _LARGEST_GROUP or self._moves + len(moved) > self._effort.moves:
            return False
        self._moves += len(moved)
        group = [wish, *moved]
        before = {member: self.taken[member] for member in group}
        price = self._total(group)
        for member in group:
            self._leave(member)
        self._take(wish, way)
        for member in moved:
            self.place(member)
        if self._total(group) < price - 1.0:
            return True
        for member, way_before in before.items():
            self._leave(member)
            self._take(member, way_before)
        return False

    def _total(self, group: Iterable[Wish]) -> float:
        return sum(self.taken[wish].price + self._conflict(wish, self.taken[wish]) for wish in group)

    def _conflict(self, wish: Wish, way: Way, limit: float = inf) -> float:
        """What the ways of the others say against one; stops at ``limit``."""
        total = self._second_lane(wish, way)
        for other in self._near(wish, way):
            total += way.against(self.taken[other])
            if total >= limit:
                break
        return total

    def _near(self, wish: Wish, way: Way) -> Iterator[Wish]:
        found: dict[Wish, None] = {}
        for tile in way.tiles:
            found.update(self._here.get(tile, {}))
        found.pop(wish, None)
        return iter(found)

    def _second_lane(self, wish: Wish, way: Way) -> float:
        """Whether bent ways of the same source begin elsewhere, and none as this one."""
        if len(way.stroke.sections) == 1:
            return 0.0
        others = [self.taken[other].stroke.sections for other in self._leaving[_trunk(wish)] if other != wish]
        bent = [parts[0][1] for parts in others if len(parts) > 1]
        return APART if bent and way.stroke.sections[0][1] not in bent else 0.0

    def _take(self, wish: Wish, way: Way) -> None:
        self.taken[wish] = way
        self._leaving[_trunk(wish)][wish] = None
        for copy in way.copies():
            for tile in copy.tiles():
                self._here[tile][wish] = None

    def _leave(self, wish: Wish) -> None:
        self._leaving[_trunk(wish)].pop(wish)
        for copy in self.taken[wish].copies():
            for tile in copy.tiles():
                self._here[tile].pop(wish, None)

    def _usual(self, wish: Wish) -> Iterator[Candidate]:
        if wish.pinned:
            yield 0.0, straight(wish.source, wish.target)
        else:
            few = self._effort.passes == 0
            yield from islice(simple(wish.source, wish.target), 1 if few else None)
            yield from lanes(wish.source, wish.target, self._grid, wish.rows)

    def _cheapest_of(self, ways: list[Way], wish: Wish, more: Iterable[Candidate]) -> list[Way]:
        """The cheapest of some ways and of more, as many as are compared, by what their shape and the nodes say."""
        most = self._effort.ways
        found = list(ways)
        for dislike, curve in more:
            route = stroke(*wish.ends[0], wish.direction, curve)
            longer = route.length - wish.length + wish.source.half + wish.target.half
            way = Way(dislike + PER_PX * longer, curve, wish, route)
            if len(found) == most and way.price >= found[-1].price:
                continue  # too much already, so that the nodes need not be asked
            way.price += max(map(self._nodes.against, way.telling())) + way.against_itself()
            insort(found, way, key=attrgetter("price"))
            del found[most:]
        return found

    def _cheapest(self, wish: Wish) -> tuple[Way, float]:
        ways = self._ways[wish]
        best, price = ways[0], inf if len(ways) > 1 else ways[0].price
        for way in ways:
            if way.price < price:
                total = way.price + self._conflict(wish, way, price - way.price)
                if total < price:
                    best, price = way, total
        return best, price


def _trunk(wish: Wish) -> tuple[str, str]:
    return wish.source.name, wish.direction
