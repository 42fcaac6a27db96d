"""Settings of another library's neck that its tensors do not tell, held against the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fpngraph.graph.graph import Graph
from fpngraph.graph.nodes import Edge, Node
from fpngraph.ops import Activation
from fpngraph.weights.state import StateError, refuse
from fpngraph.weights.tables import Extra, Rule, Table


def check(graph: Graph, table: Table, tensors: Mapping[str, object], config: Any) -> None:
    """Raises StateError where ``config``, their settings, says something else than the graph, or is needed and missing.

    It is the settings of their neck or of a whole model, as a mapping or as an object with a ``to_dict``. ``tensors``
    are ours, by name: what has none beyond the backbone's levels has nothing to ask.
    """
    said = None if config is None else _of_neck(config, table)
    _check_fixed(table, said or {})
    edges = list(_extra(graph, table, tensors))
    if table.extra is None or not edges:
        return
    keys = table.extra.made_of.key, table.extra.act.key
    if said is None:
        raise StateError(
            f"the tensors of {table.source!r} do not tell its {keys[0]!r} and {keys[1]!r}\n"
            "  hint: give 'config', a mapping with the settings of their neck"
        )
    _check_extra(table.extra, edges, said)


def _of_neck(config: Any, table: Table) -> Mapping[str, Any]:
    """The settings of the neck, which may stand in those of a model."""
    whole = config.to_dict() if hasattr(config, "to_dict") else config
    found = next((it for path in table.within if (it := _at(whole, path.split("."))) is not None), whole)
    if not isinstance(found, Mapping) and isinstance(found, Sequence) and not isinstance(found, str):
        found = next((it for it in found if isinstance(it, Mapping) and it.get("type") == _kind(table)), None)
    if not isinstance(found, Mapping):
        raise StateError(f"config is a {type(config).__name__}, but must be the settings of {table.source!r}")
    if table.within and found.get("type", _kind(table)) != _kind(table):
        raise StateError(f"config is of a {found['type']!r}, but the source is {table.source!r}")
    return found


def _kind(table: Table) -> str:
    """What their configurations call the class."""
    return table.source.rpartition(".")[2]


def _at(config: Any, path: Sequence[str]) -> Any:
    for key in path:
        config = config.get(key) if isinstance(config, Mapping) else None
    return config


def _check_fixed(table: Table, said: Mapping[str, Any]) -> None:
    """What the graph has no parameter for."""
    wrong = [
        f"{key!r} is {said[key]!r}, but the graph is for {only!r}"
        for key, only in table.fixed.items()
        if key in said and said[key] != only
    ]
    refuse(f"the settings of {table.source!r} are not those of the graph", wrong)


def _check_extra(extra: Extra, edges: Sequence[tuple[Node, Edge]], config: Mapping[str, Any]) -> None:
    keys = extra.made_of.key, extra.act.key
    (node, first), *others = edges
    said = config.get(keys[0], extra.made_of.default)
    family = extra.made_of.families.get(extra.made_of.default if said is True else str(said))
    if not first.reference.startswith(family or "?"):
        raise StateError(f"{keys[0]!r} is {said!r}, but node {node.name!r} of the graph reads {first.reference!r}")
    said = bool(config.get(keys[1], extra.act.default))
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
