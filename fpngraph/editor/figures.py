"""Shapes and costs of the nodes of a graph, for the backbone and the image that somebody has in mind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fpngraph.analysis.costs import Costs, lowered_cost, written
from fpngraph.analysis.shapes import Lowered, lower
from fpngraph.analysis.wording import in_words, step_in_words
from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph
from fpngraph.graph.nodes import Edge, Node
from fpngraph.ops import Cost

_RESNET_50 = (3, 64, 256, 512, 1024, 2048)
"""Channels by level, of the backbone that is assumed where nobody says another one."""
_TIMES = "×"
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Assumed:
    """What goes into a graph: channels of its inputs, where it has as many, and an image of (height, width) pixels."""

    in_channels: tuple[int, ...] | None = None
    image_size: tuple[int, int] = (640, 640)

    def of(self, graph: Graph) -> tuple[int, ...]:
        """The channels of the inputs of a graph, in their order."""
        if self.in_channels is not None and len(self.in_channels) == len(graph.inputs):
            return self.in_channels
        return tuple(_RESNET_50[min(entry.level, len(_RESNET_50) - 1)] for entry in graph.inputs.values())


class Figures:
    """The numbers of one graph."""

    def __init__(self, graph: Graph, assumed: Assumed) -> None:
        self.graph, self._assumed = graph, assumed
        self._lowered: Lowered | None = None
        self._costs: Costs | None = None
        self._why_not = ""
        channels = assumed.of(graph)
        try:
            self._lowered = lower(graph, channels)
            self._costs = lowered_cost(self._lowered, assumed.image_size)
        except GraphError as error:
            self._why_not = error.problems[0].message

    def note(self) -> str:
        """What the numbers are for, or why there are none."""
        entries = zip(self.graph.inputs, self._assumed.of(self.graph), strict=True)
        maps = ", ".join(f"{name} {channels}" for name, channels in entries)
        if self._costs is None:
            return f"No shapes: with inputs of {maps} channels, {self._why_not}"
        height, width = self._assumed.image_size
        return f"For inputs of {maps} channels and an image of {height}{_TIMES}{width}"

    def node(self, node: Node) -> Row:
        """What a node reads, does, gives and costs."""
        row = {
            "node": f"`{node.name}`",
            "reads": ", ".join(f"`{edge.source}`" for edge in node.edges),
            "fusion": node.fusion.name,
            "op": ", ".join(in_words(layer) for layer in node.op) or "none",
        }
        if self._costs is None:
            return row | {"level": str(node.level), "channels": str(node.channels or "?")}
        found = self._costs.nodes[node.name]
        numbers = {"parameters": written(found.parameters), "MACs": written(found.macs)}
        return row | {"level": str(node.level), "output": self._shape(node.name)} | numbers

    def edge(self, node: Node, edge: Edge) -> Row:
        """What a node reads by an edge, and what is done to it on the way."""
        row = {"node": f"`{node.name}`", "reads": f"`{edge.source}`"}
        if self._lowered is None:
            return row
        steps = next(it.steps for it in self._lowered.nodes[node.name].edges if it.edge is edge)
        way = " + ".join(step_in_words(step) for step in steps)
        return row | {"of": self._shape(edge.source), "brought by": way or "as it is"}

    def total(self, nodes: Iterable[Node]) -> str:
        """What nodes cost together; empty where it is not known at all."""
        if self._costs is None:
            return ""
        found = [self._costs.nodes[node.name] for node in nodes]
        cost = sum((Cost(it.parameters, it.macs) for it in found), Cost(0, 0))
        return f", {written(cost.parameters)} parameters, {written(cost.macs)} MACs"

    def _shape(self, name: str) -> str:
        assert self._lowered is not None
        feature = self._lowered.feature(name)
        if self._costs and name in self._costs.nodes:
            size = self._costs.nodes[name].size
            return f"{feature.channels}{_TIMES}{size.height}{_TIMES}{size.width}"
        sides = (-(-side >> feature.level) for side in self._assumed.image_size)
        return _TIMES.join(map(str, (feature.channels, *sides)))
