"""The settings of nodes as a file says them: what many have in common stands once, in ``defaults``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fpngraph.graph.nodes import Edge, Node
from fpngraph.language.settings import BASE
from fpngraph.ops import Activation, Operator

Path = tuple[str, ...]
Flat = dict[Path, Any]
"""Settings by the keys under which a file has them; None where nobody says one."""


class Writer:
    """Writes the settings of nodes, with ``act`` for the activation that their layers have most often."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        found = Counter(layer for node in nodes for layer in _layers(node) if isinstance(layer, Activation))
        self._act = found.most_common(1)[0][0] if found else BASE.act
        self.base = {**self._node_base(), ("act",): _operator(BASE.act)}
        self.act = {("act",): _operator(self._act)}
        self._usual = most_common([self._edge(edge, node) for node in nodes for edge in node.edges])

    def _node_base(self) -> Flat:
        resample, norm = BASE.resample, BASE.norm
        assert resample is not None
        assert resample.project is not None
        assert norm is not None
        return {
            ("channels",): None,
            ("fusion",): _operator(BASE.fusion),
            ("resample", "down"): self._path(resample.down or (), norm),
            ("resample", "up"): self._path(resample.up or (), norm),
            ("resample", "lateral"): self._op(resample.lateral or (), norm),
            ("resample", "project", "when"): resample.project.when,
            ("resample", "project", "norm"): resample.project.norm,
            ("resample", "project", "bias"): resample.project.bias,
            ("resample", "project", "channels"): None,
            ("resample", "order"): resample.order,
            ("op",): self._op(BASE.op or (), norm),
            ("norm",): _operator(norm),
            ("padding",): BASE.padding,
            ("init",): None,
        }

    def node(self, node: Node) -> Flat:
        """Everything that a node says, its edges' settings as most of them have them."""
        edges = [self._edge(edge, node) for edge in node.edges]
        return {
            ("channels",): node.channels,
            ("fusion",): _operator(node.fusion),
            **most_common(edges, self._usual),
            ("op",): self._op(node.op, node.norm),
            ("norm",): _operator(node.norm),
            ("padding",): node.padding,
            ("init",): None if node.init is None else _operator(node.init),
        }

    def edges(self, node: Node) -> list[dict[str, Any]]:
        """For each edge of a node what it says besides the node."""
        flats = [self._edge(edge, node) for edge in node.edges]
        common = most_common(flats, self._usual)
        return [nested({path[1:]: value for path, value in flat.items() if value != common[path]}) for flat in flats]

    def _edge(self, edge: Edge, node: Node) -> Flat:
        projection = edge.projection
        return {
            ("resample", "down"): self._path(edge.down, node.norm),
            ("resample", "up"): self._path(edge.up, node.norm),
            ("resample", "lateral"): self._op(edge.lateral, node.norm),
            ("resample", "project", "when"): projection.when,
            ("resample", "project", "norm"): projection.norm,
            ("resample", "project", "bias"): projection.bias,
            ("resample", "project", "channels"): projection.channels,
            ("resample", "order"): edge.order,
        }

    def _path(self, layers: Sequence[Operator], norm: Operator) -> Any:
        written = self._list(layers, norm)
        return written[0] if len(written) == 1 else written

    def _op(self, layers: Sequence[Operator], norm: Operator) -> Any:
        return self._list(layers, norm) or "none"

    def _list(self, layers: Sequence[Operator], norm: Operator) -> list[Any]:
        words = ((norm, "norm"), (self._act, "act"))
        return [next((word for it, word in words if layer == it), None) or _operator(layer) for layer in layers]


def _layers(node: Node) -> Iterable[Operator]:
    yield from node.op
    for edge in node.edges:
        yield from (*edge.down, *edge.up, *edge.lateral)


def _operator(operator: Operator | None) -> Any:
    """``name`` or ``{name: {settings}}``."""
    assert operator is not None
    settings = operator.model_dump(exclude_unset=True)
    return {operator.name: settings} if settings else operator.name


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
