"""A scene as DOT with every place given: ``neato -n2`` draws the nodes where the diagram has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fpngraph.drawing.layout.geometry import Curve, Piece, Point, mix, unit
from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.picture.marks import NOTCH
from fpngraph.drawing.picture.scene import Scene
from fpngraph.drawing.picture.theme import Theme, shade
from fpngraph.drawing.text.outline import Frame, Knot, Outline, Tie, outline

_POINTS = 0.75  # to a pixel
_NAME = 24.0  # pixels from the end of an output's line to the middle of its name
_NAME_ABOVE = 18.0  # where that stands above it
_HEADING = 20.0  # pixels for the name of a cell
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYWORDS = {"node", "edge", "graph", "digraph", "subgraph", "strict"}


def write(scene: Scene) -> str:
    """The text of a DOT file. Places are in points, y upwards; edges have the routes of the picture."""
    found = outline(scene)
    writer = _Writer(scene.theme)
    lines = [f"digraph {_quoted(scene.name)} {{", *writer.settings(found)]
    lines += [f"  {writer.node(knot)}" for knot in found.knots]
    for number, frame in enumerate(found.frames):
        lines += [f"  {line}" for line in writer.cluster(number, frame)]
    lines += [f"  {writer.edge(tie)}" for tie in found.ties]
    for stub in found.stubs:
        lines += [f"  {line}" for line in writer.output(stub, found.flow)]
    return "\n".join([*lines, "}", ""])


class _Writer:
    def __init__(self, theme: Theme) -> None:
        self._dark = theme == "dark"

    def settings(self, found: Outline) -> Iterator[str]:
        about = {
            "bgcolor": self._colour("ground"),
            "splines": "true",
            "fontname": "Helvetica",
            "outputorder": "edgesfirst",
        }
        if found.title:
            about |= {
                "label": "\\n".join(map(_escaped, found.title)),
                "labelloc": "t",
                "fontcolor": self._colour("ink"),
            }
        yield f"  graph {_attributes(about)}"
        shapes = {"fixedsize": "true", "style": "filled", "fontname": "Helvetica", "penwidth": "1.4"}
        yield f"  node {_attributes({**shapes, 'fontsize': '9', 'fontcolor': self._colour('ink')})}"
        yield f"  edge {_attributes({'arrowsize': '0.6', 'penwidth': '1.4'})}"

    def node(self, knot: Knot) -> str:
        side = f"{2 * knot.half * _POINTS / 72:.4f}"
        fill = "ground" if knot.kind == "single" else f"fill.{knot.level}"
        look = {
            "label": _escaped(knot.label),
            "pos": f"{_place((knot.x, knot.y))}!",
            "width": side,
            "height": side,
            "shape": "box" if knot.kind == "input" else "circle",
            "fillcolor": self._colour(fill),
            "color": self._colour(f"line.{knot.level}"),
        }
        if knot.kind == "input":
            look["style"] = "filled,rounded"
        return f"{_name(knot.name)} {_attributes(look)}"

    def cluster(self, number: int, frame: Frame) -> Iterator[str]:
        left, top, right, bottom = frame.box
        look = {
            "label": _escaped(frame.heading),
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
        yield f"  {'; '.join(map(_name, frame.knots))}"
        yield "}"

    def edge(self, tie: Tie) -> str:
        look = {"color": self._colour(tie.kind), "pos": _route(tie.curve)}
        if tie.kind == "up":
            look["style"] = "dashed"
        if tie.weight:
            look["penwidth"] = _number(tie.width * _POINTS)
        if tie.count > 1:
            look["xlabel"] = f"{tie.count}x"
        return f"{_name(tie.source)} -> {_name(tie.target)} {_attributes(look)}"

    def output(self, stub: Tie, flow: Flow) -> Iterator[str]:
        """The line out of a node to the name of an output, a node without a border."""
        x, y = stub.curve.end
        middle = (x, y - _NAME_ABOVE) if flow == "up" else (x + _NAME, y)
        name = _quoted(f"output {stub.target}")
        look = {"label": _escaped(stub.target), "pos": f"{_place(middle)}!", "shape": "none"}
        yield f"{name} {_attributes({**look, 'style': '', 'width': '0.3', 'fontsize': '11'})}"
        edge = {"color": self._colour("same"), "pos": _route(stub.curve)}
        yield f"{_name(stub.source)} -> {name} {_attributes(edge)}"

    def _colour(self, role: str) -> str:
        return shade(role)[self._dark]


def _route(curve: Curve) -> str:
    """A curve as a spline of cubic Béziers, the point of its arrow first."""
    x, y = curve.end
    dx, dy = unit(curve.pieces[-1][-2], curve.end)
    words = [f"e,{_place((x + dx * NOTCH, y + dy * NOTCH))}", _place(curve.start)]
    words += [_place(point) for piece in curve.pieces for point in _cubic(piece)[1:]]
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
    return f"[{', '.join(f'{name}={_quoted(value, escaped=True)}' for name, value in values.items())}]"


def _name(name: str) -> str:
    return name if _BARE.fullmatch(name) and name.lower() not in _KEYWORDS else _quoted(name)


def _quoted(text: str, *, escaped: bool = False) -> str:
    return f'"{text if escaped else _escaped(text)}"'


def _escaped(text: str) -> str:
    r"""Text for a label, in which DOT gives a meaning to ``\`` and ``"``."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
