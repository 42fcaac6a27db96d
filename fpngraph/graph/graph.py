"""A graph as everything else reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fpngraph.errors import GraphError, Problem, nearest
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


@dataclass(frozen=True, repr=False)
class Graph:
    """A neck: inputs, nodes in topological order, outputs. Made by ``fpngraph.load`` and ``fpngraph.loads``.

    >>> fpngraph.load("fpn")
    <Graph 'FPN': 9 nodes, from C2, C3, C4, C5 to P2, P3, P4, P5, P6>

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
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    stages: tuple[GraphStage, ...] = field(default=(), compare=False)
    """In the order in which they run; empty where all nodes are of one unnamed stage."""

    def __post_init__(self) -> None:
        for name in ("inputs", "nodes", "outputs"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __repr__(self) -> str:
        ends = f"from {', '.join(self.inputs)} to {', '.join(self.outputs)}"
        return f"<Graph {self.name!r}: {len(self.nodes)} nodes, {ends}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # a mapping proxy cannot be pickled or copied
        values = (getattr(self, entry.name) for entry in fields(self))
        return Graph, tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in values)

    def select(self, *outputs: str) -> Graph:
        """The graph that gives these of its outputs alone, in this order, without the nodes that none of them needs.

        Inputs that nobody reads any more go too, but for those whose size is that of a level with nodes, or what it is
        worked out from: the maps that remain are those of the whole graph, pixel for pixel.

        >>> graph = fpngraph.load("fpn").select("P4", "P5")
        >>> list(graph.inputs), list(graph.outputs)
        (['C4', 'C5'], ['P4', 'P5'])

        Raises GraphError for an output that it does not have, or that is named twice, and where none is named.
        """
        if not all(isinstance(name, str) for name in outputs):
            raise TypeError(f"outputs are {', '.join(map(repr, outputs))}, not names, such as select('P4', 'P5')")
        problems = [
            Problem("unknown-name", f"graph {self.name!r} has no output {name!r}", None, nearest(name, self.outputs))
            for name in outputs
            if name not in self.outputs
        ]
        counts = Counter(outputs).items()
        problems += [Problem("declared-twice", f"output {name!r} is selected {n} times") for name, n in counts if n > 1]
        if not outputs:
            problems = [Problem("no-outputs", f"no output of graph {self.name!r} is selected")]
        if problems:
            raise GraphError(problems)
        chosen = {name: self.outputs[name] for name in outputs}
        names = needed(self.nodes, chosen.values())
        nodes = {name: node for name, node in self.nodes.items() if name in names}
        names |= {self.sized_by(node.level).name for node in nodes.values()}
        inputs = {name: entry for name, entry in self.inputs.items() if name in names}
        return replace(self, inputs=inputs, nodes=nodes, outputs=chosen)

    def sized_by(self, level: int) -> Input:
        """The input whose size is that of a level, or what it is worked out from: the nearest finer, else the finest.

        Of several inputs of one level it is the last.
        """
        by_level = {entry.level: entry for entry in self.inputs.values()}
        return by_level[max((other for other in by_level if other <= level), default=min(by_level))]

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


def check_is_graph(value: object) -> None:
    """Raises TypeError for what is no graph, such as the name of one."""
    if not isinstance(value, Graph):
        hint = "fpngraph.load(...) makes one of a name or path"
        raise TypeError(f"graph is a {type(value).__name__}, not a Graph\n  hint: {hint}")


def needed(nodes: Mapping[str, Node], sources: Iterable[str]) -> set[str]:
    """Full names of the nodes and inputs that some of ``sources`` depends on, themselves among them."""
    found: set[str] = set()
    waiting = list(sources)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [edge.source for edge in nodes[name].edges] if name in nodes else []
    return found


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
