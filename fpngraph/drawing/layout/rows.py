"""A plan in several rows below each other, for pictures that may not be as wide as one row is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from fpngraph.drawing.layout.columns import columns
from fpngraph.drawing.layout.plan import Plan, Spot


def most_rows(plan: Plan) -> int:
    """How many rows a plan can have: one for every column behind the inputs."""
    return max(1, len(_broken(plan)))


def in_rows(plan: Plan, rows: int) -> tuple[Plan, ...]:
    """A plan for every row. What a row needs of those above is repeated in front of its first cell.

    Cells stay whole as long as there are enough of them; then they are broken between columns.
    """
    column = columns(plan)
    cells = _grouped(plan, lambda spot: spot.cell)
    units = cells if len(cells) >= rows else _broken(plan)
    widths = [len({column[name] for name in unit}) for unit in units]
    inputs = [name for name, spot in plan.spots.items() if spot.cell == 0]
    shares = [[name for unit in units[a:b] for name in unit] for a, b in pairwise(_stops(widths, rows))]
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


def _stops(widths: Sequence[int], rows: int) -> tuple[int, ...]:
    """Where rows begin, and the end: such that the widest is as narrow as can be."""
    ends = tuple(range(1, len(widths) + 1))
    ways: dict[int, tuple[int, tuple[int, ...]]] = {
        end: (sum(widths[:end]), (0, end)) for end in ends
    }  # the width of the widest row, and the stops
    for _ in range(rows - 1):
        ways = {
            end: min((max(ways[stop][0], sum(widths[stop:end])), (*ways[stop][1], end)) for stop in ways if stop < end)
            for end in ends
            if any(stop < end for stop in ways)
        }
    return ways[len(widths)][1]


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
