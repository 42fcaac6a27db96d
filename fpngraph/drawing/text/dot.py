"""A diagram as DOT with every place given: ``neato -n2`` draws the nodes where the diagram has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from fpngraph.drawing.layout.geometry import Box, Curve, Piece, Point, mix, shortened
from fpngraph.drawing.layout.lettering import writable
from fpngraph.drawing.layout.plan import Link, Spot, layer
from fpngraph.drawing.layout.routes import Route
from fpngraph.drawing.picture.diagram import Diagram
from fpngraph.drawing.picture.marks import NOTCH
from fpngraph.drawing.picture.theme import colour

_POINTS = 0.75  # to a pixel
_NAME = 17.2  # pixels from the end of an output's line to the middle of its name
_NAME_ABOVE = 11.2  # where that stands above it
_HEADING = 20.0  # pixels for the name of a cell
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYWORDS = {"node", "edge", "graph", "digraph", "subgraph", "strict"}


def write(drawn: Diagram) -> str:
    """The text of a DOT file. Places are in points, y upwards; edges have the routes of the picture."""
    writer = _Writer(drawn)
    lines = [f"digraph {_quoted(drawn.graph.name)} {{", *writer.settings()]
    lines += [f"  {writer.node(spot)}" for spot in drawn.plan.spots.values()]
    for number, (cell, box, names) in enumerate(drawn.cells()):
        lines += [f"  {line}" for line in writer.cluster(number, drawn.caption(cell), box, names)]
    routes = sorted(drawn.routes, key=lambda route: layer(route.link))
    lines += [f"  {writer.edge(route.link, route.curve)}" for route in routes if route.link]
    for route in routes:
        lines += [f"  {line}" for line in writer.output(route)] if route.link is None else []
    return writable("\n".join([*lines, "}", ""]))


class _Writer:
    def __init__(self, drawn: Diagram) -> None:
        self._drawn = drawn
        self._tells = drawn.look.labels == "ops"
        """Whether nodes say what they do: most of them below the title, the others each."""

    def settings(self) -> Iterator[str]:
        about = {
            "bgcolor": self._colour("ground"),
            "splines": "true",
            "fontname": "Helvetica",
            "outputorder": "edgesfirst",
        }
        if lines := (*self._drawn.title, *self._usual()):
            about |= {
                "label": "\\n".join(map(_escaped, lines)),
                "labelloc": "t",
                "fontcolor": self._colour("ink"),
            }
        yield f"  graph {_attributes(about)}"
        shapes = {"fixedsize": "true", "style": "filled", "fontname": "Helvetica", "penwidth": "1.4"}
        yield f"  node {_attributes({**shapes, 'fontsize': '9', 'fontcolor': self._colour('ink')})}"
        text = {"fontname": "Helvetica", "fontsize": "7"}
        yield f"  edge {_attributes({**text, 'arrowsize': '0.6', 'penwidth': '1.4'})}"

    def _usual(self) -> Iterator[str]:
        told = self._drawn.plan.told.usual if self._tells and self._drawn.look.legend_at != "none" else {}
        for kind, name in (("fusion", "fusion"), ("single", "single input")):
            if kind in told:
                yield f"{name}: {told[kind]}"

    def node(self, spot: Spot) -> str:
        place = self._drawn.grid.places[spot.name]
        side = f"{2 * place.half * _POINTS / 72:.4f}"
        fill = "ground" if spot.kind == "single" else f"fill.{spot.level}"
        look = {
            "label": _escaped(self._drawn.label(spot)),
            "pos": f"{_place((place.x, place.y))}!",
            "width": side,
            "height": side,
            "shape": "box" if spot.kind == "input" else "circle",
            "fillcolor": self._colour(fill),
            "color": self._colour(f"line.{spot.level}"),
        }
        if spot.kind == "input":
            look["style"] = "filled,rounded"
        if spot.fusion and self._tells:
            look["xlabel"] = _escaped(spot.fusion)
        return f"{_name(spot.name)} {_attributes(look)}"

    def cluster(self, number: int, heading: str, box: Box, names: Iterable[str]) -> Iterator[str]:
        left, top, right, bottom = box
        look = {
            "label": _escaped(heading),
            "bb": f"{_place((left, bottom))},{_place((right, top - _HEADING))}",
            "color": self._colour("cell_line"),
            "bgcolor": self._colour("cell"),
            "style": "rounded",
            "fontcolor": self._colour("muted"),
            "fontname": "Helvetica",
            "fontsize": "9",
        }
        yield f"subgraph cluster_{number} {{"
        yield f"  graph {_attributes(look)}"
        yield f"  {'; '.join(map(_name, names))}"
        yield "}"

    def edge(self, link: Link, curve: Curve) -> str:
        look = {"color": self._colour(link.direction), "pos": _route(curve)}
        if link.direction == "up":
            look["style"] = "dashed"
        if weight := self._drawn.weight(link):
            look["penwidth"] = _number(weight.width * _POINTS)
        if words := self._drawn.words(link):
            look |= {"xlabel": _escaped(words), "fontcolor": self._colour("muted")}
        return f"{_name(link.source)} -> {_name(link.target)} {_attributes(look)}"

    def output(self, stub: Route) -> Iterator[str]:
        """The line out of a node to the name of an output, a node without a border."""
        x, y = stub.curve.end
        middle = (x, y - _NAME_ABOVE) if self._drawn.look.direction == "up" else (x + _NAME, y)
        name = _quoted(f"output {stub.target}")
        look = {"label": _escaped(stub.target), "pos": f"{_place(middle)}!", "shape": "none"}
        yield f"{name} {_attributes({**look, 'style': '', 'width': '0.3', 'fontsize': '11'})}"
        edge = {"color": self._colour("same"), "pos": _route(stub.curve)}
        yield f"{_name(stub.source)} -> {name} {_attributes(edge)}"

    def _colour(self, role: str) -> str:
        return colour(role, self._drawn.look.theme)


def _route(curve: Curve) -> str:
    """A curve as a spline of cubic Béziers, the point of its arrow first."""
    words = [f"e,{_place(curve.end)}", _place(curve.start)]
    words += [_place(point) for piece in shortened(curve, NOTCH).pieces for point in _cubic(piece)[1:]]
    return " ".join(words)


def _cubic(piece: Piece) -> Piece:
    if len(piece) == 4:
        return piece
    return piece[0], mix(piece[0], piece[1], 1 / 3), mix(piece[0], piece[1], 2 / 3), piece[1]


def _place(point: Point) -> str:
    """In points, y upwards."""
    return f"{_number(point[0] * _POINTS)},{_number(-point[1] * _POINTS)}"


def _number(value: float) -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _attributes(values: Mapping[str, str]) -> str:
    """Values are escaped already."""
    written = (f'{name}="{value}"' for name, value in values.items())
    return f"[{', '.join(written)}]"


def _name(name: str) -> str:
    return name if _BARE.fullmatch(name) and name.lower() not in _KEYWORDS else _quoted(name)


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    r"""Text for a label, in which DOT gives a meaning to ``\`` and ``"``."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
