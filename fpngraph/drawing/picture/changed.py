"""One picture of two graphs: what is new, gone and changed is marked in the picture of both together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import networkx as nx

from fpngraph.analysis.changes import Changes
from fpngraph.drawing.layout.geometry import Curve, Point, distance, union
from fpngraph.drawing.layout.lettering import width
from fpngraph.drawing.picture.assemble import assembled
from fpngraph.drawing.picture.compose import MARGIN, page
from fpngraph.drawing.picture.diagram import Look, diagram
from fpngraph.drawing.picture.scene import Circle, Group, Paint, Path, Polygon, Rect, Scene, Shape, Text
from fpngraph.graph.graph import Graph, digraph_of
from fpngraph.graph.nodes import Node

_SIGNS: Mapping[str, tuple[str, str]] = {
    "new": ("+", "new"),
    "gone": ("−", "gone"),
    "changed": ("~", "changed"),
}
_WIDE = 2.4  # of a marked edge
_BORDER = 3.2  # of a marked node
_DOTS = (3.0, 2.4)  # of what is gone, for readers who see no colours: on, off
_BADGE = 7.5


@dataclass(frozen=True, slots=True)
class _Marks:
    """What is marked, by full name of a node, by the ends of an edge and by the name of an output."""

    nodes: Mapping[str, str]
    edges: Mapping[tuple[str, str], str]
    outputs: Mapping[str, str]


def draw_changes(changes: Changes) -> Scene:
    """Both graphs as one, with every run: what is new, gone or changed has a colour, a node a sign too.

    Raises ValueError where nodes of both together would read each other in a circle, or where one has an input of the
    name that a node of the other has.
    """
    both = _both(changes)
    title = f"{changes.before.name} → {changes.after.name}"
    if changes.before.name == changes.after.name:
        title = f"{changes.after.name}: changes"
    scene = assembled(diagram(both, Look(expand=True, title=title)))
    marks = _marks(changes)
    ends = [point for group in scene.groups if group.mark == "link" for point in _ends(group)]
    groups = [_marked(group, marks, ends) for group in scene.groups]
    present = [
        mark for mark in _SIGNS if mark in {*marks.nodes.values(), *marks.edges.values(), *marks.outputs.values()}
    ]
    if present:
        left, _, _, bottom = union(group.box() for group in groups)
        groups.append(_legend(present, left, bottom + 30.0))
    return replace(scene, groups=tuple(groups), box=page(groups, MARGIN))


def _both(changes: Changes) -> Graph:
    """A graph with the inputs, nodes, edges and outputs of both; where they differ, as the second has them."""
    before, after = changes.before, changes.after
    nodes = dict(after.nodes)
    for name, change in changes.nodes.items():
        gone = list(change.gone)
        edges = [edge for edge in before.nodes[name].edges if edge.source in gone]
        nodes[name] = replace(nodes[name], edges=(*nodes[name].edges, *edges))
    nodes |= {name: before.nodes[name] for name in changes.gone}
    inputs = {**before.inputs, **after.inputs}
    if twice := next((name for name in inputs if name in nodes), None):
        found = f"{twice!r} is an input of one graph and a node of the other"
        raise ValueError(f"{found}, and one picture has a name once\n  hint: draw each by itself")
    order = [*_in_place(before.nodes, after.nodes)]
    digraph = digraph_of(inputs.values(), (nodes[name] for name in order))
    if not nx.is_directed_acyclic_graph(digraph):
        cycle = " reads ".join(repr(source) for source, _ in reversed(nx.find_cycle(digraph)))
        raise ValueError(f"both graphs in one picture would have a cycle: {cycle}\n  hint: draw each by itself")
    position = {name: number for number, name in enumerate([*inputs, *order])}
    sorted_names = nx.lexicographical_topological_sort(digraph, key=position.__getitem__)
    return replace(
        after,
        inputs=inputs,
        nodes={name: nodes[name] for name in sorted_names if name in nodes},
        outputs={**before.outputs, **after.outputs},
        warnings=(),
        stages=(),
    )


def _in_place(before: Mapping[str, Node], after: Mapping[str, Node]) -> Iterator[str]:
    """The names of both in one order: what only the first has stands with its own run, or after what it stood after."""
    runs: dict[tuple[str | None, int | None], list[str]] = {}
    for key, nodes in groupby(after.values(), key=lambda node: (node.stage, node.run)):
        runs.setdefault(key, []).extend(node.name for node in nodes)
    keys = list(runs)
    last = 0
    for node in before.values():
        key = (node.stage, node.run)
        if key not in runs:
            runs[key] = []
            keys.insert(last, key)
        last = keys.index(key) + 1
        if node.name not in after:
            runs[key].append(node.name)
    yield from (name for key in keys for name in runs[key])


def _marks(changes: Changes) -> _Marks:
    nodes = dict.fromkeys(changes.nodes, "changed")
    nodes |= {name: _mark(*levels) for name, levels in changes.inputs.items()}
    nodes |= dict.fromkeys(changes.new, "new") | dict.fromkeys(changes.gone, "gone")
    kept = {(edge.source, name) for name, node in changes.after.nodes.items() for edge in node.edges}
    edges = {end: "gone" for end in changes.gone_edges if end not in kept}
    outputs = {name: _mark(*sources) for name, sources in changes.outputs.items()}
    return _Marks(nodes, edges | dict.fromkeys(changes.new_edges, "new"), outputs)


def _mark(before: object, after: object) -> str:
    return "new" if before is None else "gone" if after is None else "changed"


def _ends(link: Group) -> Iterator[Point]:
    """Where an edge begins, and the tip of its arrow."""
    for shape in link.shapes[:2]:
        if isinstance(shape, Path):
            yield shape.curve.start
        elif isinstance(shape, Polygon):
            yield shape.points[0]


def _marked(group: Group, marks: _Marks, ends: Sequence[Point]) -> Group:
    """A group as it is, or with the mark of what it shows; ``ends`` are those of all edges."""
    if group.mark == "node" and (mark := marks.nodes.get(group.data["node"])):
        return replace(group, shapes=tuple(_node(group.shapes, mark, ends)), data={**group.data, "change": mark})
    first = group.shapes[0] if group.mark == "link" else None
    if isinstance(first, Path):
        edge = marks.edges.get((first.data["from"], first.data.get("to", "")))
        if mark := edge or marks.outputs.get(first.data.get("output", ""), ""):
            return replace(group, shapes=tuple(_recoloured(shape, mark) for shape in group.shapes))
    return group


def _node(shapes: tuple[Shape, ...], mark: str, ends: Sequence[Point]) -> Iterator[Shape]:
    """A node with a border in the colour of its mark, dotted where it is gone, and a sign where no edge ends."""
    body, *rest = shapes
    if isinstance(body, Circle | Rect):
        body = replace(body, paint=replace(body.paint, line=mark, line_width=_BORDER, dashes=_dots_of(mark)))
    yield body
    yield from rest
    left, top, right, bottom = body.box()
    x, y, half = (left + right) / 2, (top + bottom) / 2, (right - left) / 2
    off = half * 0.7071 if isinstance(body, Circle) else half - 2.0
    corners = [(x + across * off, y + along * off) for along in (-1, 1) for across in (-1, 1)]
    near = [end for end in ends if distance(end, (x, y)) < 2 * half]
    yield from _sign(mark, *max(corners, key=lambda corner: min((distance(corner, end) for end in near), default=0.0)))


def _dots_of(mark: str) -> tuple[float, ...]:
    return _DOTS if mark == "gone" else ()


def _sign(mark: str, x: float, y: float) -> Iterator[Shape]:
    yield Circle(x, y, _BADGE, Paint(mark))
    yield Text(x, y + 4.3, _SIGNS[mark][0], 12.0, "on_ink", 700, "middle")


def _recoloured(shape: Shape, mark: str) -> Shape:
    """A part of an edge in the colour of its mark; what is gone is dashed."""
    if isinstance(shape, Path):
        dashes = _dotted(shape.paint.dashes) if mark == "gone" else shape.paint.dashes
        paint = replace(shape.paint, line=mark, line_width=_WIDE, dashes=dashes)
        return replace(shape, paint=paint, data={**shape.data, "change": mark})
    if isinstance(shape, Polygon):
        return replace(shape, paint=replace(shape.paint, fill=mark))
    if isinstance(shape, Rect):
        return replace(shape, paint=replace(shape.paint, line=mark))
    return replace(shape, fill=mark) if isinstance(shape, Text) else shape


def _dotted(dashes: tuple[float, ...]) -> tuple[float, ...]:
    """Dots where a line is drawn, and its gaps, in which something else stands, as they are."""
    if not dashes:
        return _DOTS
    found: list[float] = []
    for on, off in zip(dashes[::2], dashes[1::2], strict=True):
        dots = max(1, round((on + _DOTS[1]) / sum(_DOTS)))
        off_within = _DOTS[1] * (dots - 1)
        found += [max(on - off_within, 0.1 * on) / dots, _DOTS[1]] * (dots - 1)
        found += [max(on - off_within, 0.1 * on) / dots, off]
    return tuple(found)


def _legend(marks: Iterable[str], left: float, top: float) -> Group:
    """The signs that are there, and how an edge has them."""
    shapes: list[Shape] = []
    x = left
    for mark in marks:
        shapes += _sign(mark, x + _BADGE, top)
        x += 2 * _BADGE + 6.0
        if mark != "changed":
            paint = Paint(line=mark, line_width=_WIDE, dashes=_dots_of(mark))
            shapes.append(Path(Curve((((x, top), (x + 24.0, top)),)), paint))
            x += 30.0
        text = _SIGNS[mark][1]
        shapes.append(Text(x, top + 4.0, text, 11.5, "muted"))
        x += width(text, 11.5) + 18.0
    return Group("legend", tuple(shapes))
