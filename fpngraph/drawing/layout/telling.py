"""What nodes and edges do, in words: what most do is for the legend, what the others do is told at them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, product
from string import ascii_uppercase
from typing import Literal

from fpngraph.analysis.wording import in_words
from fpngraph.graph.graph import Graph
from fpngraph.graph.nodes import Edge, Node

NOTHING = "as it is"


Direction = Literal["up", "down", "same"]


def levels(graph: Graph) -> dict[str, int]:
    """Of every input and node."""
    given = {name: entry.level for name, entry in graph.inputs.items()}
    return given | {name: node.level for name, node in graph.nodes.items()}


def direction(source: int, target: int) -> Direction:
    """Of an edge from one level to another: down in size, or up."""
    return "down" if target > source else "up" if target < source else "same"


@dataclass(frozen=True, slots=True)
class Telling:
    """Of a kind of nodes or a direction of edges, the usual words, and those of all others."""

    usual: Mapping[str, str]
    """Kind or direction to what most of its nodes or edges do; without those that do nothing."""
    nodes: Mapping[str, str]
    """Nodes that do something else to what they do."""
    edges: Mapping[tuple[str, str], str]
    """Source and node of edges that do something else to what they do."""

    @property
    def capitals(self) -> dict[str, str]:
        """What rarer edges do to the letters that stand for it."""
        return dict(zip(dict.fromkeys(self.edges.values()), letters(ascii_uppercase), strict=False))


def letters(alphabet: str) -> Iterator[str]:
    """One after the other without end: a, b, ..., z, aa, ab, ..."""
    return ("".join(word) for length in count(1) for word in product(alphabet, repeat=length))


def telling(graph: Graph, *, ops: bool) -> Telling:
    """The words of a graph: the fusions of its nodes, and with ``ops`` all that nodes and edges do."""
    nodes = {
        name: ("fusion" if len(node.edges) > 1 else "single", _of_node(node, ops)) for name, node in graph.nodes.items()
    }
    if not ops:
        nodes = {name: (kind, words) for name, (kind, words) in nodes.items() if kind == "fusion"}
    edges = dict(_edges(graph)) if ops else {}
    usual = _usual([*nodes.values(), *edges.values()])
    return Telling(
        usual={kind: words for kind, words in usual.items() if words},
        nodes={name: words or NOTHING for name, (kind, words) in nodes.items() if words != usual[kind]},
        edges={ends: words or NOTHING for ends, (kind, words) in edges.items() if words != usual[kind]},
    )


def _of_node(node: Node, ops: bool) -> str:
    """Its fusion, where there is one (an operator may say it by ``badge``), and what follows."""
    fusion = [node.fusion.badge or node.fusion.name] if len(node.edges) > 1 else []
    return " → ".join([*fusion, *(map(in_words, node.op) if ops else ())])


def _edges(graph: Graph) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Source and node to the direction and the words; of several edges with two ends, to those of all."""
    level = levels(graph)
    for name, node in graph.nodes.items():
        several: dict[str, dict[str, None]] = {}
        for edge in node.edges:
            several.setdefault(edge.source, {})[_of_edge(edge, level[edge.source], node.level)] = None
        for source, words in several.items():
            yield (source, name), (direction(level[source], node.level), " / ".join(words))


def _of_edge(edge: Edge, source: int, target: int) -> str:
    return " → ".join(map(in_words, edge.path(source, target)))


def _usual(told: Iterable[tuple[str, str]]) -> dict[str, str]:
    counts: dict[str, Counter[str]] = {}
    for kind, words in told:
        counts.setdefault(kind, Counter())[words] += 1
    return {kind: words.most_common(1)[0][0] for kind, words in counts.items()}
