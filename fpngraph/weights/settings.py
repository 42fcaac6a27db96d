"""Settings of another library's neck that its tensors do not tell, held against the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fpngraph.graph.graph import Graph
from fpngraph.graph.nodes import Edge, Node
from fpngraph.ops import Activation
from fpngraph.weights.state import StateError
from fpngraph.weights.tables import Rule, Table


def check(graph: Graph, table: Table, tensors: Mapping[str, object], config: Mapping[str, Any] | None) -> None:
    """Raises StateError where ``config``, their settings, says something else than the graph, or is needed and missing.

    ``tensors`` are ours, by name: what has none beyond the backbone's levels has nothing to ask.
    """
    edges = list(_extra(graph, table, tensors))
    if table.extra is None or not edges:
        return
    keys = table.extra.made_of.key, table.extra.act.key
    if config is None:
        raise StateError(
            f"the tensors of {table.source!r} do not tell its {keys[0]!r} and {keys[1]!r}\n"
            "  hint: give 'config', a mapping with the settings of their neck"
        )
    (node, first), *others = edges
    said = config.get(keys[0], table.extra.made_of.default)
    family = table.extra.made_of.families.get(table.extra.made_of.default if said is True else str(said))
    if not first.reference.startswith(family or "?"):
        raise StateError(f"{keys[0]!r} is {said!r}, but node {node.name!r} of the graph reads {first.reference!r}")
    said = bool(config.get(keys[1], table.extra.act.default))
    for node, edge in others:
        if isinstance(edge.down[0], Activation) != said:
            has = "has no activation" if said else f"has the activation {edge.down[0].name!r}"
            raise StateError(
                f"{keys[1]!r} is {said}, but the edge from {edge.reference!r} to {node.name!r} {has} in front"
            )


def _extra(graph: Graph, table: Table, tensors: Mapping[str, object]) -> Iterator[tuple[Node, Edge]]:
    """The edges of the graph that their settings are about, from the finest node on."""
    rule = Rule(table.extra.edges, [""]) if table.extra else None
    for node in sorted(graph.nodes.values(), key=lambda node: node.level):
        for edge in node.edges:
            path = f"{node.name}.edges.{edge.reference}"
            learns = any(name.startswith(f"{path}.") for name in tensors)
            if rule is not None and learns and rule.theirs(path, {}) is not None:
                yield node, edge
