"""What changed from one graph to another: inputs, nodes, their settings and edges, outputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fpngraph.analysis.wording import edge_in_words
from fpngraph.feature import Feature
from fpngraph.graph.graph import Graph
from fpngraph.graph.nodes import Edge, Node
from fpngraph.language.lifting import in_yaml
from fpngraph.language.yaml.writing import to_yaml
from fpngraph.ops.steps import UNKNOWN

End = tuple[str, str]
"""Source and target of an edge, by full name."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a node, or of its edge from ``source``: what the file would say, before and after."""

    name: str
    source: str | None
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class NodeChange:
    """What changed in a node that both graphs have. Edges that come and go are told by their sources."""

    settings: tuple[Setting, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """From one graph to another, both as they are worked out: full names of nodes, every run by itself.

    Of inputs and outputs the values are level or source, before and after; None where there is none. ``orders`` has
    'inputs' and 'outputs' where those that both graphs have come in another order, which lists of maps go by.
    """

    before: Graph
    after: Graph
    inputs: Mapping[str, tuple[int | None, int | None]]
    new: tuple[str, ...]
    """Nodes that only the second graph has."""
    gone: tuple[str, ...]
    """Nodes that only the first has."""
    nodes: Mapping[str, NodeChange]
    outputs: Mapping[str, tuple[str | None, str | None]]
    orders: Mapping[str, tuple[str, str]]

    @property
    def none(self) -> bool:
        """Whether both compute the same under the same names."""
        return not (self.inputs or self.new or self.gone or self.nodes or self.outputs or self.orders)

    @property
    def new_edges(self) -> tuple[End, ...]:
        """Edges that only the second graph has, those of its new nodes among them."""
        return tuple(_ends(self.after, self.new, {name: change.new for name, change in self.nodes.items()}))

    @property
    def gone_edges(self) -> tuple[End, ...]:
        """Edges that only the first graph has, those of nodes that are gone among them."""
        return tuple(_ends(self.before, self.gone, {name: change.gone for name, change in self.nodes.items()}))


def changes(before: Graph, after: Graph) -> Changes:
    """What is new, gone and changed from ``before`` to ``after``. A node with another name is another node.

    >>> found = changes(fpngraph.load("bifpn", repeats=1), fpngraph.load("bifpn", repeats=2))
    >>> len(found.new), len(found.gone)
    (8, 0)
    """
    common = [name for name in after.nodes if name in before.nodes]
    found = {name: _node_change(before, after, name) for name in common}
    return Changes(
        before,
        after,
        _differing(
            {name: entry.level for name, entry in before.inputs.items()},
            {name: entry.level for name, entry in after.inputs.items()},
        ),
        tuple(name for name in after.nodes if name not in before.nodes),
        tuple(name for name in before.nodes if name not in after.nodes),
        {name: change for name, change in found.items() if change != _SAME},
        _differing(before.outputs, after.outputs),
        _orders({"inputs": (before.inputs, after.inputs), "outputs": (before.outputs, after.outputs)}),
    )


_SAME = NodeChange((), (), ())


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys([*before, *after])
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _orders(names: Mapping[str, tuple[Collection[str], Collection[str]]]) -> dict[str, tuple[str, str]]:
    """The names that both sides have, in the order of each, where these differ."""
    common = {
        what: (", ".join(name for name in before if name in after), ", ".join(name for name in after if name in before))
        for what, (before, after) in names.items()
    }
    return {what: orders for what, orders in common.items() if orders[0] != orders[1]}


def _ends(graph: Graph, whole: Sequence[str], single: Mapping[str, Sequence[str]]) -> Iterator[End]:
    """All edges of some nodes, and single ones of others."""
    for name in whole:
        yield from ((edge.source, name) for edge in graph.nodes[name].edges)
    for name, sources in single.items():
        yield from ((source, name) for source in sources)


def _node_change(before: Graph, after: Graph, name: str) -> NodeChange:
    one, other = before.nodes[name], after.nodes[name]
    pairs, new, gone = _matched(one.edges, other.edges)
    settings = [Setting(key, None, *said) for key, said in _differing(_settings(one), _settings(other)).items()]
    if one.could_be_single and other.could_be_single and one.single != other.single:
        settings.append(Setting("written with one input", None, *("yes" if it.single else "no" for it in (one, other))))
    places = [place for place, _ in pairs]
    if places != sorted(places):
        order = [", ".join(edge.source for edge in node.edges) for node in (one, other)]
        settings.append(Setting("order of inputs", None, *order))
    for place, edge in pairs:
        was = one.edges[place]
        said = _differing(_edge_settings(was, one, before), _edge_settings(edge, other, after))
        settings += [Setting(key, edge.source, *values) for key, values in said.items()]
    return NodeChange(tuple(settings), new, gone)


def _matched(
    before: Sequence[Edge], after: Sequence[Edge]
) -> tuple[list[tuple[int, Edge]], tuple[str, ...], tuple[str, ...]]:
    """The edges of a node that stay, each with its place before, in the order after; sources of new ones; of gone."""
    places: dict[str, list[int]] = {}
    for place, edge in enumerate(before):
        places.setdefault(edge.source, []).append(place)
    pairs: list[tuple[int, Edge]] = []
    new: list[str] = []
    for edge in after:
        if places.get(edge.source):
            pairs.append((places[edge.source].pop(0), edge))
        else:
            new.append(edge.source)
    left = sorted(place for rest in places.values() for place in rest)
    return pairs, tuple(new), tuple(before[place].source for place in left)


def _settings(node: Node) -> dict[str, str]:
    """What a file says of a node, besides its edges."""
    return {
        "level": str(node.level),
        "channels": "of its inputs" if node.channels is None else str(node.channels),
        "fusion": _said(in_yaml(node.fusion)),
        "op": _said([in_yaml(layer) for layer in node.op] or "none"),
        "norm": _said(in_yaml(node.norm)),
        "act": _said(in_yaml(node.act)),
        "padding": node.padding,
        "init": "none" if node.init is None else _said(in_yaml(node.init)),
    }


def _edge_settings(edge: Edge, node: Node, graph: Graph) -> dict[str, str]:
    """What happens on an edge: only what its levels have it do."""
    level = _level(graph, edge.source)
    projection = edge.projection
    project = {"when": projection.when, "norm": projection.norm, "bias": projection.bias}
    return {
        "layers": _said([in_yaml(layer) for layer in edge.path(level, node.level)] or "none"),
        "project": _said(project | ({"channels": projection.channels} if projection.channels else {})),
        "order": edge.order,
        "levels": f"{level} to {node.level}",
    }


def _said(value: Any) -> str:
    """A value as a file says it, on one line."""
    return " ".join(to_yaml({"x": value}).split()).removeprefix("x: ")


def edge_words(graph: Graph, node: Node, edge: Edge) -> str:
    """A source with what happens on its way: ``P4 (1x1? + nearest*2)``."""
    words = edge_in_words(edge, node, Feature(_level(graph, edge.source), UNKNOWN))
    return f"{edge.source} ({' + '.join(words)})" if words else edge.source


def _level(graph: Graph, name: str) -> int:
    return graph.inputs[name].level if name in graph.inputs else graph.nodes[name].level
