"""A plan in several rows below each other, for pictures that may not be as wide as one row is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from fpngraph.drawing.layout import metrics
from fpngraph.drawing.layout.columns import columns
from fpngraph.drawing.layout.plan import Plan, Spot

_CELL = metrics.USUAL.cells / metrics.USUAL.columns  # of the width of a column, between two cells

_Stops = tuple[int, ...]


def most_rows(plan: Plan) -> int:
    """How many rows a plan can have: one for every column behind the inputs."""
    return max(1, len(_broken(plan)))


def in_rows(plan: Plan, rows: int) -> tuple[Plan, ...]:
    """A plan for every row. What a row needs of those above is repeated in front of its first cell.

    Cells stay whole as long as there are enough of them; then they are broken between columns.
    """
    cells = _grouped(plan, lambda spot: spot.cell)
    units = cells if len(cells) >= rows else _broken(plan)
    inputs = [name for name, spot in plan.spots.items() if spot.cell == 0]
    stops = _stops(_widths(plan, inputs, units), rows)
    shares = [[name for unit in units[a:b] for name in unit] for a, b in pairwise(stops)]
    return tuple(_part(plan, names) for names in ([*inputs, *shares[0]], *shares[1:]))


def _broken(plan: Plan) -> list[list[str]]:
    """The names in every column; a cell that stands for several runs stays whole."""
    column = columns(plan)
    first: dict[int, int] = {}
    for name, spot in plan.spots.items():
        first[spot.cell] = min(column[name], first.get(spot.cell, column[name]))
    return _grouped(plan, lambda spot: first[spot.cell] if plan.cells[spot.cell].runs > 1 else column[spot.name])


def _grouped(plan: Plan, key: Callable[[Spot], int]) -> list[list[str]]:
    """Names without those of the first cell, in groups of one key, the lowest first."""
    found: dict[int, list[str]] = {}
    for name, spot in plan.spots.items():
        if spot.cell:
            found.setdefault(key(spot), []).append(name)
    return [found[number] for number in sorted(found)]


def _widths(plan: Plan, inputs: Sequence[str], units: Sequence[Sequence[str]]) -> Mapping[tuple[int, int], float]:
    """How wide a row from one unit up to another is, in columns: with what it repeats, and the gaps between cells."""
    column = columns(plan)
    sources: dict[str, set[str]] = {name: set() for name in plan.spots}
    for link in plan.links:
        sources[link.target].add(link.source)
    found: dict[tuple[int, int], float] = {}
    for end in range(1, len(units) + 1):
        own, cells, above = 0, set[int](), set[str]()
        for start in reversed(range(end)):
            unit = units[start]
            own += len({column[name] for name in unit})
            cells |= {plan.spots[name].cell for name in unit}
            above = above.union(*(sources[name] for name in unit)).difference(unit)
            found[start, end] = own + _CELL * len(cells) + _beside(plan, above if start else inputs)
    return found


def _beside(plan: Plan, names: Collection[str]) -> float:
    """How wide nodes in front of a row are: no edges connect them, so those of a level and cell stand side by side."""
    crowds = Counter((plan.spots[name].cell, plan.spots[name].level) for name in names)
    widest: Counter[int] = Counter()
    for (cell, _), crowd in crowds.items():
        widest[cell] = max(widest[cell], crowd)
    return widest.total() + _CELL * len(widest)


def _stops(widths: Mapping[tuple[int, int], float], rows: int) -> _Stops:
    """Where rows begin, and the end: such that the widest is as narrow as can be, and the others alike."""
    last = max(end for _, end in widths)
    ways: dict[int, tuple[float, float, _Stops]] = {
        0: (0.0, 0.0, (0,))
    }  # the widest row, the sum of squares, the stops
    for _ in range(rows):
        longer: dict[int, tuple[float, float, _Stops]] = {}
        for stop, (widest, squares, stops) in ways.items():
            for end in range(stop + 1, last + 1):
                wide = widths[stop, end]
                way = max(widest, wide), squares + wide * wide, (*stops, end)
                longer[end] = min(way, longer.get(end, way))
        ways = longer
    return ways[last][2]


def _part(plan: Plan, names: Sequence[str]) -> Plan:
    """The plan of some spots, behind the sources that they have elsewhere."""
    own = set(names)
    links = tuple(link for link in plan.links if link.target in own)
    sources = {link.source for link in links}
    kept = [spot for spot in plan.spots.values() if spot.name in own | sources]
    above = sorted({spot.cell for spot in kept if spot.name not in own})
    here = sorted({spot.cell for spot in kept if spot.name in own})
    cells = [*((cell, True) for cell in above), *((cell, False) for cell in here)]
    number = {cell: place for place, cell in enumerate(cells)}
    spots = [_placed(spot, number, repeated=spot.name not in own) for spot in kept]
    return replace(
        plan,
        cells=tuple(replace(plan.cells[cell], repeated=repeated) for cell, repeated in cells),
        spots={spot.name: spot for spot in sorted(spots, key=lambda spot: spot.cell)},
        links=links,
        outputs={name: public for name, public in plan.outputs.items() if name in own},
    )


def _placed(spot: Spot, number: Mapping[tuple[int, bool], int], *, repeated: bool) -> Spot:
    cell = number[spot.cell, repeated]
    return replace(spot, cell=cell, repeated=repeated, fusion=None if repeated else spot.fusion)
