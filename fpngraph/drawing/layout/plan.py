"""What of a graph is drawn: its cells, nodes and edges, with runs that repeat collapsed into one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from fpngraph.analysis.shapes import Lowered, lower
from fpngraph.analysis.steps import EdgeSteps
from fpngraph.drawing.layout.telling import Direction, Telling, direction, levels, telling
from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph
from fpngraph.graph.nodes import Node

Kind = Literal["input", "single", "fusion"]

DRAWN_OUT = 3
"""The most equal runs of a stage that are drawn one by one unless somebody asks for more."""
_DIVISIBLE = 2**8 * 3**2 * 5 * 7
"""Channels that layers can divide into groups and parts as they like."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A run of a stage, or several equal ones drawn as one. The first cell of a plan holds the inputs."""

    stage: str | None
    run: int | None
    runs: int
    """How many runs it stands for."""
    repeated: bool = False
    """Whether its nodes stand for those of a cell in a row of the picture above."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A node or an input of the graph that is drawn."""

    name: str
    """Full name; of collapsed runs, that of the first."""
    label: str
    number: int
    """As effdet counts: on from the inputs, and the same in every run."""
    level: int
    cell: int
    kind: Kind
    fusion: str | None
    """What is told beside it of its fusion, or of all that it does; None for the usual of the graph."""
    repeated: bool = False
    """Whether it stands for one in a row of the picture above its own."""


@dataclass(frozen=True, slots=True)
class Link:
    """An edge that is drawn, once for all edges with its two ends."""

    source: str
    target: str
    reference: str
    count: int
    direction: Direction
    ratio: int
    projected: bool
    """Whether there is a 1x1 convolution on it."""
    mark: str
    """The letter that stands for what it does; empty for the usual."""


def layer(link: Link | None) -> int:
    """The later are drawn over the earlier: edges over the stubs of outputs, those that go up over all."""
    return 0 if link is None else {"same": 1, "down": 2, "up": 3}[link.direction]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a diagram shows, before it has a place."""

    cells: tuple[Cell, ...]
    spots: Mapping[str, Spot]
    """By full name, in topological order, cell by cell."""
    links: tuple[Link, ...]
    outputs: Mapping[str, tuple[str, ...]]
    """Spot to the public names of its outputs."""
    shown: Mapping[str, str]
    """Every input and node of the graph to the one that is drawn for it."""
    told: Telling

    def names(self) -> Sequence[Sequence[str]]:
        """The full names of the spots of each cell."""
        found: list[list[str]] = [[] for _ in self.cells]
        for spot in self.spots.values():
            found[spot.cell].append(spot.name)
        return found


def plan(graph: Graph, lowered: Lowered | None, *, expand: bool | None, ops: bool = False) -> Plan:
    """The plan of a graph. ``expand``: draw every run (True), none twice (False), or few (None).

    ``lowered``: its steps, where the channels of its inputs are known. ``ops``: tell what nodes and edges do.
    """
    told = telling(graph, ops=ops)
    shown = _representatives(graph, expand)
    first = _beginning(graph)
    cells, cell_of = _cells(graph, shown, first)
    outputs: dict[str, tuple[str, ...]] = {}
    for name, source in graph.outputs.items():
        place = shown[source]
        outputs[place] = (*outputs.get(place, ()), name)
    return Plan(
        cells=cells,
        spots={spot.name: spot for spot in _spots(graph, shown, cell_of, told)},
        links=tuple(_links(graph, shown, _projected(graph, lowered), told)),
        outputs=outputs,
        shown=shown,
        told=told,
    )


def _runs(graph: Graph) -> list[list[Node]]:
    """The nodes of every run of every stage; of the stages that do not repeat, in one list each."""
    return [list(nodes) for _, nodes in groupby(graph.nodes.values(), key=lambda node: (node.stage or "", node.run))]


def _representatives(graph: Graph, expand: bool | None) -> dict[str, str]:
    """Every input and node to the one that is drawn for it."""
    shown = {name: name for name in graph.inputs}
    for _, stretch in groupby(_runs(graph), key=_signature):
        runs = list(stretch)
        collapsed = len(runs) > DRAWN_OUT if expand is None else not expand
        for run in runs:
            drawn = runs[0] if collapsed and run[0].run is not None else run
            shown |= {node.name: other.name for node, other in zip(run, drawn, strict=True)}
    return shown


def _signature(run: Sequence[Node]) -> tuple[object, ...]:
    """What two runs must have in common to be drawn as one."""
    nodes = tuple((node.member, node.level, tuple(edge.reference for edge in node.edges)) for node in run)
    return run[0].stage, run[0].run is None, nodes


def _beginning(graph: Graph) -> set[str]:
    """The inputs, and the levels made from them that the backbone does not have."""
    given = {entry.level for entry in graph.inputs.values()}
    known = {name: entry.level for name, entry in graph.inputs.items()}
    outputs = set(graph.outputs.values())
    for node in graph.nodes.values():
        source = node.edges[0].source
        extra = node.run is None and len(node.edges) == 1 and node.level not in given and node.name not in outputs
        if extra and known.get(source, node.level) < node.level:
            known[node.name] = node.level
    return set(known)


def _cells(graph: Graph, shown: Mapping[str, str], first: set[str]) -> tuple[tuple[Cell, ...], dict[str, int]]:
    """The cells, and the cell of everything that is drawn."""
    cells: list[Cell] = [Cell(None, None, 1)]
    cell_of = dict.fromkeys(first, 0)
    for run in _runs(graph):
        inside = [node for node in run if node.name not in first]
        if inside and shown[run[0].name] == run[0].name:
            cell_of |= {node.name: len(cells) for node in inside}
            cells.append(Cell(run[0].stage, run[0].run, 1))
        elif inside:
            last = cells[-1]
            cells[-1] = Cell(last.stage, last.run, last.runs + 1)
    return tuple(cells), cell_of


def _spots(graph: Graph, shown: Mapping[str, str], cell_of: Mapping[str, int], told: Telling) -> Iterator[Spot]:
    numbers: dict[tuple[str | None, str], int] = {}
    inputs = sorted(graph.inputs.values(), key=lambda entry: cell_of[entry.name])
    for entry in inputs:
        number = numbers.setdefault((None, entry.name), len(numbers))
        yield Spot(entry.name, entry.name, number, entry.level, 0, "input", None)
    drawn = (node for node in graph.nodes.values() if shown[node.name] == node.name)
    for node in sorted(drawn, key=lambda node: cell_of[node.name]):
        number = numbers.setdefault((node.stage or "", node.member), len(numbers))
        kind: Kind = "single" if len(node.edges) == 1 else "fusion"
        yield Spot(node.name, node.member, number, node.level, cell_of[node.name], kind, told.nodes.get(node.name))


def _links(graph: Graph, shown: Mapping[str, str], projected: set[tuple[str, str]], told: Telling) -> Iterator[Link]:
    level = levels(graph)
    capitals = told.capitals
    for node in graph.nodes.values():
        if shown[node.name] != node.name:
            continue
        sources = [shown[edge.source] for edge in node.edges]
        for source in dict.fromkeys(sources):
            reference = node.edges[sources.index(source)].reference
            stands_for = [edge.source for edge, drawn in zip(node.edges, sources, strict=True) if drawn == source]
            yield Link(
                source,
                node.name,
                reference,
                count=sources.count(source),
                direction=direction(level[source], node.level),
                ratio=1 << abs(node.level - level[source]),
                projected=any((it, node.name) in projected for it in stands_for),
                mark=capitals.get(told.edges.get((stands_for[0], node.name), ""), ""),
            )


def _projected(graph: Graph, lowered: Lowered | None) -> set[tuple[str, str]]:
    """Source and node of every edge with a projection; with channels unknown, as if each input had its own."""
    if lowered is None:
        declared = {node.channels or 0 for node in graph.nodes.values()}
        unlike = _DIVISIBLE * (1 + max(declared, default=0))
        try:
            lowered = lower(graph, [unlike * place for place in range(1, len(graph.inputs) + 1)])
        except GraphError:
            return {
                (edge.source, node.name)
                for node in graph.nodes.values()
                for edge in node.edges
                if edge.projection.when == "always"
            }
    return {
        (steps.edge.source, name)
        for name, node in lowered.nodes.items()
        for steps in node.edges
        if _projects(steps, lowered, node.node.level)
    }


def _projects(steps: EdgeSteps, lowered: Lowered, level: int) -> bool:
    return len(steps.steps) > len(steps.edge.path(lowered.feature(steps.edge.source).level, level))
