"""A graph as everything else reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fpngraph.errors import Problem
from fpngraph.graph.nodes import Input, Node

if TYPE_CHECKING:
    import networkx


@dataclass(frozen=True, slots=True)
class GraphStage:
    """A stage of a graph: how it runs, and the names that each of its runs binds when it ends."""

    name: str | None
    """None for the only stage of a graph that names none."""
    repeat: int | None
    """How many runs there are; None where the full names of its nodes have no run."""
    outputs: Mapping[str, tuple[str, ...]] | None
    """Each name bound to the names that it was bound to in some run, in the order in which they are tried. None: all
    nodes, or outputs of the used graph, are bound by their own names."""
    used: Graph | None = None
    """The graph that it is, where it has no nodes of its own."""
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Each input of the used graph to the names that it was in some run, in the order in which they are tried."""


@dataclass(frozen=True)
class Graph:
    """A neck: inputs, nodes in topological order, outputs. Made by ``fpngraph.load`` and ``fpngraph.loads``.

    Two graphs are equal if they compute the same under the same names; places and warnings do not count.
    """

    name: str
    description: str
    source: str
    inputs: Mapping[str, Input]
    nodes: Mapping[str, Node]
    """By full name; some output depends on each of them."""
    outputs: Mapping[str, str]
    """Public name of an output to the full name of its node (or input)."""
    warnings: tuple[Problem, ...] = field(default=(), compare=False, repr=False)
    stages: tuple[GraphStage, ...] = field(default=(), compare=False, repr=False)
    """In the order in which they run; empty where all nodes are of one unnamed stage."""

    def __post_init__(self) -> None:
        for name in ("inputs", "nodes", "outputs"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __reduce__(self) -> tuple[Any, ...]:
        # a mapping proxy cannot be pickled or copied
        values = (getattr(self, entry.name) for entry in fields(self))
        return Graph, tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in values)

    def networkx(self) -> networkx.DiGraph[str]:
        """A copy as a networkx DiGraph: inputs and nodes by (full) name, with ``level`` and ``kind``.

        An edge has ``count``, how many edges of the node come from that source.
        """
        return digraph_of(self.inputs.values(), self.nodes.values())

    def _repr_svg_(self) -> str:
        """Its diagram, for notebooks."""
        from fpngraph.drawing import draw
        from fpngraph.drawing.formats import svg

        return svg.write(draw(self))


def digraph_of(inputs: Iterable[Input], nodes: Iterable[Node]) -> networkx.DiGraph[str]:
    """Inputs and nodes with their ``level`` and ``kind``, and an edge for each source that a node reads."""
    import networkx as nx

    digraph: networkx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from((entry.name, {"level": entry.level, "kind": "input"}) for entry in inputs)
    nodes = list(nodes)
    digraph.add_nodes_from((node.name, {"level": node.level, "kind": "node"}) for node in nodes)
    for node in nodes:
        counts = Counter(edge.source for edge in node.edges)
        digraph.add_edges_from((source, node.name, {"count": count}) for source, count in counts.items())
    return digraph
