"""The rows of a neck as nodes: what is joined, what is done on the way there, and what then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fpngraph.errors import GraphError, Problem
from fpngraph.importers.ultralytics.modules import Layer, changes_level, layers_of
from fpngraph.importers.ultralytics.rows import Model, Row, Unknown


@dataclass
class Edge:
    """An input of a node: where it comes from, and the layers on the way."""

    source: str
    layers: list[Layer] = field(default_factory=list)


@dataclass
class Node:
    """A node of the neck: it joins its edges along the channels, then applies its layers."""

    name: str
    level: int
    channels: int
    edges: list[Edge]
    layers: list[Layer] = field(default_factory=list)

    @property
    def joins(self) -> bool:
        return len(self.edges) > 1


@dataclass
class Neck:
    """Nodes in order, the inputs with their levels, and the outputs with what they are."""

    inputs: dict[str, int]
    nodes: list[Node]
    outputs: dict[str, str]


@dataclass
class _Value:
    """What a row gives: a node or an input, and layers after it that belong to an edge."""

    source: str
    level: int
    channels: int
    layers: list[Layer] = field(default_factory=list)


def neck_of(model: Model) -> Neck:
    """The neck of a model. Raises GraphError with the place of each row that is not known."""
    return _Writer(model).neck()


class _Writer:
    """Makes nodes of rows, one row after the other."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.inputs: dict[str, int] = {}
        self.nodes: dict[str, Node] = {}
        self.values: dict[int, _Value] = {}
        self.readers = Counter(source for row in model.neck for source in row.sources)
        self.readers.update(model.outputs)

    def neck(self) -> Neck:
        problems = []
        for row in self.model.neck:
            try:
                self.values[row.number] = self._value(row)
            except Unknown as reason:
                problems.append(Problem("not-converted", f"row {row.number} {reason}", row.span, reason.hint))
                self.values[row.number] = self._node(row, [Edge("?")])
        outputs = [self._settled(number) for number in self.model.outputs]
        if problems:
            raise GraphError(problems)
        names = dict(_names(list(self.nodes.values())))
        for node in self.nodes.values():
            node.name = names[node.name]
            for edge in node.edges:
                edge.source = names.get(edge.source, edge.source)
        found = {f"P{value.level}": names.get(value.source, value.source) for value in outputs}
        if len(found) < len(outputs):
            span = self.model.rows[self.model.outputs[-1]].span
            message = "the head reads two maps of one level"
            raise GraphError([Problem("not-converted", message, span, "that is no feature pyramid")])
        return Neck(self.inputs, list(self.nodes.values()), dict(sorted(found.items(), key=lambda it: int(it[0][1:]))))

    def _value(self, row: Row) -> _Value:
        if row.module == "Concat":
            return self._node(row, [self._edge(source) for source in row.sources])
        if len(row.sources) != 1:
            raise Unknown(f"is a {row.module!r} of {len(row.sources)} maps", "only 'Concat' joins maps here")
        (number,) = row.sources
        source = self._of(number)
        layers = layers_of(row, source.channels)
        if changes_level(row):
            value = _Value(source.source, row.level, row.channels, [*source.layers, *layers])
            return value if self.readers[row.number] == 1 and row.number not in self.model.outputs else self._own(value)
        node = self.nodes.get(source.source)
        if node is not None and not source.layers and self.readers[number] == 1 and _takes(node, row):
            node.layers += layers
            node.channels = row.channels
            return _Value(node.name, node.level, row.channels)
        own = self._own(source)
        self.nodes[own.source].layers += layers
        self.nodes[own.source].channels = row.channels
        return _Value(own.source, own.level, row.channels)

    def _of(self, number: int) -> _Value:
        """What a row gives; a row of the backbone is an input of the neck."""
        if number in self.values:
            return self.values[number]
        row = self.model.rows[number]
        name = f"C{row.level}"
        rows = [it for it, value in self.values.items() if value.source == name]
        if rows and rows != [number]:
            message = f"the neck reads rows {rows[0]} and {number}, both of level {row.level}, of the backbone"
            raise GraphError([Problem("not-converted", message, row.span, "a neck has one map of each level")])
        self.inputs[name] = row.level
        self.values[number] = _Value(name, row.level, row.channels)
        return self.values[number]

    def _edge(self, number: int) -> Edge:
        value = self._of(number)
        return Edge(value.source, list(value.layers))

    def _settled(self, number: int) -> _Value:
        """What the head reads: an input, or a node."""
        value = self._of(number)
        return self._own(value) if value.layers else value

    def _own(self, value: _Value) -> _Value:
        """A node of its own for a value."""
        node = Node(str(len(self.nodes)), value.level, value.channels, [Edge(value.source, value.layers)])
        self.nodes[node.name] = node
        return _Value(node.name, node.level, node.channels)

    def _node(self, row: Row, edges: list[Edge]) -> _Value:
        node = Node(str(len(self.nodes)), row.level, row.channels, edges)
        self.nodes[node.name] = node
        return _Value(node.name, node.level, node.channels)


def _takes(node: Node, row: Row) -> bool:
    """Whether a row can be more layers of a node: stages of blocks give the node's channels, which are the last's."""
    return row.channels == node.channels or not any(layer.stage for layer in node.layers)


def _names(nodes: Sequence[Node]) -> Iterator[tuple[str, str]]:
    """A name for each node: a letter for each sweep over the levels, and others for what joins nothing."""
    letters, singles = iter("TNUVWXYZ"), "RSQO"
    letter, direction, last = next(letters), 0, None
    taken: set[str] = set()
    for node in nodes:
        if node.joins:
            step = 0 if last is None else node.level - last
            if last is not None and (step == 0 or (direction and step * direction < 0)):
                letter, direction = next(letters, "A"), 0
            direction, last = direction or step, node.level
            name = f"{letter}{node.level}"
        else:
            name = next((it for it in (f"{one}{node.level}" for one in singles) if it not in taken), f"O{node.level}")
        while name in taken:
            name = f"{name}_"
        taken.add(name)
        yield node.name, name
