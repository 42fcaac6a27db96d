"""What a scene says, without its shapes: for the formats that lay text or boxes out by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fpngraph.drawing.layout.geometry import Box, Curve
from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.picture.scene import Circle, Group, Path, Rect, Scene, Text


@dataclass(frozen=True, slots=True)
class Knot:
    """A node of the picture."""

    name: str
    """Full name."""
    label: str
    """What is written in it, uncut; empty where the reader wants no labels."""
    level: int
    kind: str
    """``input``, ``single`` or ``fusion``."""
    x: float
    y: float
    half: float
    """Radius, or half the side of a square."""
    outputs: tuple[str, ...]
    """Public names of the outputs that it is."""
    along: float
    """Where it is along the sweeps, whichever way they go."""


@dataclass(frozen=True, slots=True)
class Tie:
    """An edge of the picture."""

    source: str
    target: str
    kind: str
    """``up``, ``down`` or ``same``."""
    count: int
    """How many edges of the graph it stands for."""
    curve: Curve
    weight: str
    """Its learned factor, or factors where it stands for several edges; empty where none is known."""
    weight_runs: int
    """How many runs the weight is the mean of."""
    width: float
    """In pixels."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A cell with the nodes in it."""

    heading: str
    box: Box
    knots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """Everything of a scene that carries meaning."""

    title: tuple[str, ...]
    """Its lines; empty where the reader wants none."""
    knots: tuple[Knot, ...]
    """In topological order."""
    ties: tuple[Tie, ...]
    frames: tuple[Frame, ...]
    """In the order of the sweeps; the nodes before the first cell are in none."""
    stubs: tuple[Tie, ...]
    """From nodes to the public names of outputs."""
    flow: Flow


def outline(scene: Scene) -> Outline:
    knots = tuple(_knot(group, scene.flow) for group in scene.groups if group.mark == "node")
    return Outline(
        title=tuple(text for group in scene.groups if group.mark == "title" for text in _texts(group)),
        knots=knots,
        ties=tuple(_ties(scene, "edge")),
        frames=tuple(_frame(group, knots) for group in scene.groups if group.mark == "cell"),
        stubs=tuple(_ties(scene, "stub")),
        flow=scene.flow,
    )


def _knot(group: Group, flow: Flow) -> Knot:
    shape, data = group.shapes[0], group.data
    match shape:
        case Circle(x, y, half, _):
            pass
        case Rect(left, top, side, _, _, _):
            half = side / 2
            x, y = left + half, top + half
        case _:
            raise TypeError(f"a node begins with a circle or a square, not {type(shape).__name__}")
    label = "".join(_texts(group))
    if "…" in label:  # cut to fit into the picture's node
        label = data["node"].rpartition(".")[2]
    outputs = tuple(data.get("output", "").split())
    along = x if flow == "right" else -y
    return Knot(data["node"], label, int(data["level"]), data["kind"], x, y, half, outputs, along)


def _ties(scene: Scene, mark: str) -> Iterator[Tie]:
    for group in scene.groups:
        for shape in group.shapes:
            if isinstance(shape, Path) and shape.mark == mark:
                data = shape.data
                target = data.get("to") or data["output"]
                yield Tie(
                    data["from"],
                    target,
                    data.get("kind", "same"),
                    int(data.get("count", "1")),
                    shape.curve,
                    data.get("weight", ""),
                    int(data.get("weight-runs", "1")),
                    shape.paint.line_width,
                )


def _frame(group: Group, knots: tuple[Knot, ...]) -> Frame:
    front = max((shape for shape in group.shapes if isinstance(shape, Rect)), key=lambda shape: shape.height)
    left, top, right, bottom = front.x, front.y, front.x + front.width, front.y + front.height
    inside = tuple(knot.name for knot in knots if left < knot.x < right and top < knot.y < bottom)
    return Frame(" ".join(_texts(group)), (left, top, right, bottom), inside)


def _texts(group: Group) -> list[str]:
    return [shape.text for shape in group.shapes if isinstance(shape, Text)]
