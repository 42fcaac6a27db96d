"""The settings of nodes as a file says them: what many have in common stands once, in ``defaults``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from fpngraph.graph.nodes import Edge, Node
from fpngraph.language.settings import BASE, finished
from fpngraph.ops import Operator

Path = tuple[str, ...]
Flat = dict[Path, Any]
"""Settings by the keys under which a file has them; None where nobody says one."""


class Writer:
    """Writes the settings of nodes."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._usual = most_common([self._edge(edge, node) for node in nodes for edge in node.edges])
        self.base = self.node(_plain())

    def node(self, node: Node) -> Flat:
        """Everything that a node says, its edges' settings as most of them have them."""
        edges = [self._edge(edge, node) for edge in node.edges]
        return {
            ("channels",): node.channels,
            ("fusion",): in_yaml(node.fusion),
            **most_common(edges, self._usual),
            ("op",): _op(node.op, _words(node)),
            ("norm",): in_yaml(node.norm),
            ("act",): in_yaml(node.act),
            ("padding",): node.padding,
            ("init",): None if node.init is None else in_yaml(node.init),
        }

    def edges(self, node: Node) -> list[dict[str, Any]]:
        """For each edge of a node what it says besides the node."""
        flats = [self._edge(edge, node) for edge in node.edges]
        common = most_common(flats, self._usual)
        return [nested({path[1:]: value for path, value in flat.items() if value != common[path]}) for flat in flats]

    def _edge(self, edge: Edge, node: Node) -> Flat:
        projection, words = edge.projection, _words(node)
        return {
            ("resample", "down"): _path(edge.down, words),
            ("resample", "up"): _path(edge.up, words),
            ("resample", "lateral"): _op(edge.lateral, words),
            ("resample", "project", "when"): projection.when,
            ("resample", "project", "norm"): projection.norm,
            ("resample", "project", "bias"): projection.bias,
            ("resample", "project", "channels"): projection.channels,
            ("resample", "order"): edge.order,
        }


def _plain() -> Node:
    """A node that says nothing, nor does its edge."""
    said = finished(BASE)
    edge = Edge("", "", **said.path)
    settings = {name: getattr(BASE, name) for name in ("channels", "norm", "act", "padding", "init")}
    return Node("", 0, (edge,), said.fusion, said.op, **settings, stage=None, run=None, member="")


Words = Mapping[str, Operator]
"""What a list of layers may say in place of an operator."""


def _words(node: Node) -> Words:
    return {"norm": node.norm, "act": node.act}


def _path(layers: Sequence[Operator], words: Words) -> Any:
    written = _list(layers, words)
    return written[0] if len(written) == 1 else written


def _op(layers: Sequence[Operator], words: Words) -> Any:
    return _list(layers, words) or "none"


def _list(layers: Sequence[Operator], words: Words) -> list[Any]:
    return [
        next((word for word, it in words.items() if layer == it), None) or in_yaml(layer, words) for layer in layers
    ]


def in_yaml(operator: Operator | None, words: Words = MappingProxyType({})) -> Any:
    """An operator as a file has it: ``name``, ``{name: {settings}}`` or ``{name: [layers]}``."""
    assert operator is not None
    settings = operator.model_dump(exclude_unset=True, by_alias=True)
    for name in settings:
        value = getattr(operator, name, None)
        if isinstance(value, tuple) and operator.held():
            settings[name] = _nested(value, words)
    if operator.in_place_of_settings:
        return {operator.name: settings[operator.in_place_of_settings]}
    return {operator.name: settings} if settings else operator.name


def _nested(layers: Sequence[Any], words: Words) -> list[Any]:
    """A list of layers, or one of such lists."""
    return [_nested(it, words) if isinstance(it, tuple) else _list([it], words)[0] for it in layers]


def most_common(flats: Sequence[Flat], usual: Flat | None = None, *, at_least: int = 1) -> Flat:
    """The value that most have, of each setting; among equally many ``usual``'s.

    None stands for one that any lacks, or that fewer than ``at_least`` have.
    """
    common: Flat = {}
    for path in flats[0] if flats else ():
        values = {repr(flat[path]): flat[path] for flat in flats}
        counts: Counter[str] = Counter(repr(flat[path]) for flat in flats)
        favourite = repr(usual[path]) if usual else ""
        most = max(counts, key=lambda value: (counts[value], value == favourite))
        common[path] = None if "None" in values or counts[most] < at_least else values[most]
    return common


def shared(flats: Sequence[Flat], outer: Flat) -> Flat:
    """What all say alike and ``outer`` does not."""
    first = flats[0] if flats else {}
    return {
        path: value
        for path, value in first.items()
        if value is not None and value != outer[path] and all(flat[path] == value for flat in flats)
    }


def differing(flat: Flat, outer: Mapping[Path, Any]) -> dict[str, Any]:
    """What is to be said under ``outer``."""
    return nested({path: value for path, value in flat.items() if value != outer[path]})


def nested(flat: Mapping[Path, Any]) -> dict[str, Any]:
    """Mappings in mappings, as a file has them; ``project`` with nothing but ``when`` in its short form."""
    result: dict[str, Any] = {}
    for path, value in flat.items():
        inner = result
        for key in path[:-1]:
            inner = inner.setdefault(key, {})
        inner[path[-1]] = value
    for place in (result, result.get("resample", {})):
        if place.get("project", {}).keys() == {"when"}:
            place["project"] = place["project"]["when"]
    return result
