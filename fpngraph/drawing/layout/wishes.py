"""Which edges need a way over the page, and which of them take one another's, shifted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fpngraph.drawing.layout.geometry import distance
from fpngraph.drawing.layout.grid import Grid, Place
from fpngraph.drawing.layout.plan import Link, Plan
from fpngraph.drawing.layout.telling import Direction


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """An edge or a stub that needs a way, and those that take the same one, shifted."""

    source: Place
    target: Place
    direction: Direction
    rows: tuple[int, int]
    keys: tuple[int, ...]
    """Places in the list of all edges, then stubs."""
    shifts: tuple[float, ...]
    """How far to the right of the first each lies; 0 for the first."""
    ends: tuple[tuple[str, str], ...]
    """Source and target of each."""
    pinned: bool
    """Straight whatever it meets."""

    @property
    def length(self) -> float:
        return distance((self.source.x, self.source.y), (self.target.x, self.target.y))


def wishes(plan: Plan, grid: Grid) -> Iterator[Wish]:
    """One wish for all edges of equal runs that lie equally, and one for every stub."""
    held: dict[int, list[int]] = defaultdict(list)  # the columns of each row that have a node
    for name in sorted(grid.column, key=lambda name: grid.column[name]):
        held[grid.row[name]].append(grid.column[name])
    for keys in _equal_edges(plan, grid):
        lead = plan.links[keys[0]]
        source, target = grid.places[lead.source], grid.places[lead.target]
        yield Wish(
            source,
            target,
            lead.direction,
            rows=(grid.row[lead.source], grid.row[lead.target]),
            keys=keys,
            shifts=tuple(grid.places[plan.links[key].target].x - target.x for key in keys),
            ends=tuple((plan.links[key].source, plan.links[key].target) for key in keys),
            pinned=_is_pinned(grid, held, lead.source, lead.target),
        )
    stubs = ((spot, name) for spot, names in plan.outputs.items() for name in names)
    for key, (spot, name) in enumerate(stubs, start=len(plan.links)):
        row = grid.row[spot]
        free = held[row][-1] == grid.column[spot]
        yield Wish(grid.places[spot], grid.stubs[name], "same", (row, row), (key,), (0.0,), ((spot, name),), free)


def _equal_edges(plan: Plan, grid: Grid) -> Iterator[tuple[int, ...]]:
    """The keys of edges that are one another's copy in other runs; of several, that of the second run leads.

    The second, since from there on a run looks like those before and after it.
    """
    groups: dict[object, list[int]] = {}
    for key, link in enumerate(plan.links):
        groups.setdefault(_likeness(plan, grid, link) or key, []).append(key)
    for keys in groups.values():
        yield tuple(keys[1:2] + keys[:1] + keys[2:])


def _likeness(plan: Plan, grid: Grid, link: Link) -> object:
    """What edges that are one another's copy have in common; None for one that cannot have any."""
    source, target = plan.spots[link.source], plan.spots[link.target]
    cell = plan.cells[target.cell]
    if cell.run is None:
        return None
    across = grid.places[link.target].x - grid.places[link.source].x
    position = grid.column[link.target] - grid.spans[target.cell][0]
    inside = source.cell == target.cell
    return cell.stage, target.label, link.reference, source.level, inside, round(across, 3), position


def _is_pinned(grid: Grid, held: Mapping[int, Sequence[int]], source: str, target: str) -> bool:
    """Whether an edge goes to a neighbour: above or below, beside, or one by one off."""
    across = grid.column[target] - grid.column[source]
    along = abs(grid.row[target] - grid.row[source])
    if along == 0:
        columns = held[grid.row[source]]
        return bisect_right(columns, grid.column[source]) >= bisect_left(columns, grid.column[target])
    return across == 0 or (across == 1 and along == 1)
