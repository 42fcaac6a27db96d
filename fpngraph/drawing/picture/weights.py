"""Learned fusion weights: what every edge of a node is multiplied by, drawn as the width of the edge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from fpngraph.drawing.layout.plan import Plan
from fpngraph.drawing.picture.marks import LINE
from fpngraph.errors import nearest
from fpngraph.graph.graph import Graph

Weights = Mapping[str, Sequence[float]]
"""Full name of a node to what each of its edges is multiplied by, in their order."""

_BEYOND = 1e39  # what a float of 32 bits can be; sums of larger ones overflow
THINNEST, THICKEST = 0.8, 4.5
"""Widths in pixels of an edge that adds nothing, and of the heaviest of its node."""


@dataclass(frozen=True, slots=True)
class Weight:
    """Of an edge that is drawn."""

    factors: tuple[float, ...]
    """One per edge of the graph that it stands for."""
    width: float
    runs: int
    """How many runs the factors are means of."""

    def __str__(self) -> str:
        return " ".join(map(_written, self.factors))


@dataclass(frozen=True, slots=True)
class Learned:
    """The weights of everything that is drawn."""

    edges: Mapping[tuple[str, str], Weight]
    """By source and target."""
    words: Mapping[str, str]
    """What a reader is told of the weights of a node."""

    @property
    def meaning(self) -> str | None:
        """What widths say, for the legend; None where no edge has one."""
        if not self.edges:
            return None
        means = any(weight.runs > 1 for weight in self.edges.values())
        return "width: learned weight" + (", mean of the runs" if means else "")


def learned(graph: Graph, drawn: Plan, weights: Weights) -> Learned:
    """The weights as they are drawn; where one run stands for several, the means over those that have weights.

    Raises ValueError for weights that do not fit the graph.
    """
    runs: dict[str, list[tuple[float, ...]]] = {}
    for name, factors in _checked(graph, weights):
        runs.setdefault(drawn.shown[name], []).append(factors)
    edges: dict[tuple[str, str], Weight] = {}
    words: dict[str, str] = {}
    for name, several in runs.items():
        means = tuple(map(fmean, zip(*several, strict=True)))
        sources = [drawn.shown[edge.source] for edge in graph.nodes[name].edges]
        edges |= {(source, name): weight for source, weight in _weights(sources, means, len(several))}
        references = [edge.reference for edge in graph.nodes[name].edges]
        pairs = ", ".join(f"{one} {_written(factor)}" for one, factor in zip(references, means, strict=True))
        words[name] = f"weights{f', means of {len(several)} runs' if len(several) > 1 else ''}: {pairs}"
    return Learned(edges, words)


def _checked(graph: Graph, weights: Weights) -> Iterator[tuple[str, tuple[float, ...]]]:
    for name, given in weights.items():
        node, factors = graph.nodes.get(name), tuple(map(float, given))
        if node is None:
            hint = nearest(name, graph.nodes)
            raise ValueError(f"weights has {name!r}, which is no node of graph {graph.name!r}\n  hint: {hint}")
        if len(factors) != len(node.edges):
            raise ValueError(
                f"weights has {list(factors)} for node {name!r}; a factor per edge is required: {len(node.edges)}"
            )
        if not all(abs(factor) < _BEYOND for factor in factors):  # nor a NaN
            raise ValueError(f"weights has {list(factors)} for node {name!r}; finite numbers are required")
        yield name, factors


def _weights(sources: Sequence[str], factors: Sequence[float], runs: int) -> Iterator[tuple[str, Weight]]:
    """Sources with their weights. Edges with one source are one line, as wide as their magnitudes together say."""
    of: dict[str, tuple[float, ...]] = {}
    for source, factor in zip(sources, factors, strict=True):
        of[source] = (*of.get(source, ()), factor)
    sizes = {source: sum(map(abs, several)) for source, several in of.items()}
    largest = max(sizes.values())
    shares = {source: size / largest if largest else 0.0 for source, size in sizes.items()}
    alone = len(of) == 1  # nothing to compare it with
    for source, several in of.items():
        width = LINE if alone else THINNEST + (THICKEST - THINNEST) * shares[source]
        yield source, Weight(several, width, runs)


def _written(factor: float) -> str:
    return f"{factor + 0.0:.3g}"  # and a negative zero is none
