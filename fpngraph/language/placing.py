"""The nodes of a used graph as nodes of the graph that uses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fpngraph.graph.graph import Graph
from fpngraph.graph.nodes import Node


@dataclass(frozen=True, slots=True)
class Placement:
    """One run of a stage that is a graph; ``sources`` says what each input of that graph is here, by full name."""

    stage: str
    run: int | None
    sources: Mapping[str, str]

    def name(self, inner: str) -> str:
        """The full name of a node, or the source of an input, of the used graph."""
        return self.sources.get(inner) or f"{self._stem}.{inner}"

    @property
    def _stem(self) -> str:
        return self.stage if self.run is None else f"{self.stage}.{self.run}"

    def nodes(self, graph: Graph) -> Iterator[Node]:
        """The nodes of a graph here."""
        for node in graph.nodes.values():
            stage, run = (self.stage, self.run) if node.stage is None else (f"{self._stem}.{node.stage}", node.run)
            edges = tuple(replace(edge, source=self.name(edge.source)) for edge in node.edges)
            yield replace(node, name=self.name(node.name), edges=edges, stage=stage, run=run)
