"""Which column each node stands in: a column is one sweep over the levels, not one depth of the graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from fpngraph.drawing.layout.plan import Plan


@dataclass
class _Sweeps:
    """The columns while nodes are put into them."""

    row: Mapping[str, int]
    sources: Mapping[str, tuple[str, ...]]
    column: dict[str, int] = field(default_factory=dict)
    held: dict[int, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    """Column and row to the node there."""
    vertical: dict[int, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))
    """Column to the edges that run within it, as pairs of rows from source to target."""

    def put(self, name: str, column: int) -> None:
        self.column[name] = column
        self.held[column][self.row[name]] = name
        self.vertical[column].update(self._own(name, column))

    def take(self, name: str) -> None:
        """Remove a node; its edges inside the column go with it."""
        column = self.column.pop(name)
        del self.held[column][self.row[name]]
        self.vertical[column] = {edge for edge in self.vertical[column] if self.row[name] not in edge}

    def fits(self, name: str, column: int) -> bool:
        """Whether a node can stand in a column as far as those are concerned that stand there already."""
        row = self.row[name]
        if row in self.held[column] or any(min(edge) < row < max(edge) for edge in self.vertical[column]):
            return False
        own = self._own(name, column)
        between = {passed for source, target in own for passed in range(min(source, target) + 1, max(source, target))}
        if not between.isdisjoint(self.held[column]):
            return False
        return len({source < target for source, target in own | self.vertical[column]}) <= 1

    def earliest(self, name: str, first: int) -> int:
        """The first column, from ``first`` on, in which no edge to the node would run backwards."""
        reached = (self._after(source, name) for source in self.sources[name])
        return max([first, *reached])

    def latest(self, name: str, last: int, readers: tuple[str, ...]) -> int:
        return min([last, *(self.column[reader] - (self.row[reader] == self.row[name]) for reader in readers)])

    def _after(self, source: str, target: str) -> int:
        return self.column[source] + (self.row[source] == self.row[target])

    def _own(self, name: str, column: int) -> set[tuple[int, int]]:
        """The edges of a node within a column, from its sources and to its readers there."""
        row = self.row[name]
        incoming = {(self.row[source], row) for source in self.sources[name] if self.column.get(source) == column}
        outgoing = {(row, other_row) for other_row, other in self.held[column].items() if name in self.sources[other]}
        return incoming | outgoing


def columns(plan: Plan) -> dict[str, int]:
    """The column of every spot, counted from 0, such that no edge goes left and each cell has columns of its own."""
    levels = sorted({spot.level for spot in plan.spots.values()}, reverse=True)
    sources: dict[str, tuple[str, ...]] = dict.fromkeys(plan.spots, ())
    readers: dict[str, tuple[str, ...]] = dict.fromkeys(plan.spots, ())
    cell = {name: spot.cell for name, spot in plan.spots.items()}
    for link in plan.links:
        sources[link.target] += (link.source,)
        if cell[link.source] == cell[link.target]:
            readers[link.source] += (link.target,)
    sweeps = _Sweeps({name: levels.index(spot.level) for name, spot in plan.spots.items()}, sources)
    first = 0
    for number in range(len(plan.cells)):
        names = [name for name in plan.spots if cell[name] == number]
        for name in names:
            column = sweeps.earliest(name, first)
            while not sweeps.fits(name, column):
                column += 1
            sweeps.put(name, column)
        last = max((sweeps.column[name] for name in names), default=first - 1)
        if number > 0:
            _pull_right(sweeps, names, last, readers)
        first = last + 1
    return sweeps.column


def _pull_right(sweeps: _Sweeps, names: list[str], last: int, readers: Mapping[str, tuple[str, ...]]) -> None:
    """Move the last node of each level to the rightmost column where it may stand, so that results line up."""
    final = {sweeps.row[name]: name for name in sorted(names, key=lambda name: sweeps.column[name])}
    for name in reversed(names):
        if final[sweeps.row[name]] != name:
            continue
        start = sweeps.column[name]
        sweeps.take(name)
        for column in range(sweeps.latest(name, last, readers[name]), start, -1):
            if sweeps.fits(name, column):
                break
        else:
            column = start
        sweeps.put(name, column)
