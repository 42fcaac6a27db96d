"""A diagram as plain shapes in drawing order: all that the writer of a format needs to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from fpngraph.drawing.layout.geometry import Box, Curve, Point, union
from fpngraph.drawing.layout.lettering import width
from fpngraph.drawing.picture.theme import Theme

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Paint:
    """Roles of colours (see ``theme.shade``), None for none; widths and dashes in pixels."""

    fill: str | None = None
    line: str | None = None
    line_width: float = 0.0
    dashes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle with round corners."""

    x: float
    y: float
    width: float
    height: float
    radius: float
    paint: Paint

    def box(self) -> Box:
        edge = self.paint.line_width / 2
        return self.x - edge, self.y - edge, self.x + self.width + edge, self.y + self.height + edge


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle."""

    x: float
    y: float
    radius: float
    paint: Paint

    def box(self) -> Box:
        reach = self.radius + self.paint.line_width / 2
        return self.x - reach, self.y - reach, self.x + reach, self.y + reach


@dataclass(frozen=True, slots=True)
class Path:
    """An open curve."""

    curve: Curve
    paint: Paint
    mark: str = ""
    """Its class, where it is more than decoration."""
    data: Mapping[str, str] = field(default_factory=dict)

    def box(self) -> Box:
        left, top, right, bottom = self.curve.box()
        edge = self.paint.line_width / 2
        return left - edge, top - edge, right + edge, bottom + edge


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled outline."""

    points: tuple[Point, ...]
    paint: Paint

    def box(self) -> Box:
        xs, ys = zip(*self.points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text. ``y`` is the baseline."""

    x: float
    y: float
    text: str
    size: float
    fill: str
    """Role of its colour."""
    weight: int = 400
    anchor: Anchor = "start"

    def box(self) -> Box:
        wide = width(self.text, self.size, self.weight)
        left = self.x - {"start": 0.0, "middle": wide / 2, "end": wide}[self.anchor]
        return left, self.y - self.size, left + wide, self.y + 0.3 * self.size


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that belong together: a node, an edge, a cell, a stub or a part of the frame."""

    mark: str
    """Its class: ``cell``, ``node``, ``link`` (an edge with its marks), ``stub``, ``row``, ``legend``, ``title``."""
    shapes: tuple[Shape, ...]
    data: Mapping[str, str] = field(default_factory=dict)
    tip: str = ""
    """What a reader is told who points at it."""

    def box(self) -> Box:
        return union(shape.box() for shape in self.shapes)


Shape = Rect | Circle | Path | Polygon | Text | Group


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole diagram."""

    name: str
    description: str
    groups: tuple[Group, ...]
    theme: Theme
    box: Box
    """The page: the extent of everything on it, with a margin."""
    width: float | None = None
    """On paper or on a screen, in pixels of which an inch has 96; None: as wide as the page."""

    @property
    def zoom(self) -> float:
        """Pixels on paper per pixel of the page."""
        left, _, right, _ = self.box
        return self.width / (right - left) if self.width else 1.0


def texts(shapes: Sequence[Shape]) -> Iterator[Text]:
    """The texts among shapes, those in groups too."""
    for shape in shapes:
        if isinstance(shape, Group):
            yield from texts(shape.shapes)
        elif isinstance(shape, Text):
            yield shape


def moved(group: Group, down: float) -> Group:
    """A group so many pixels further down."""
    return replace(group, shapes=tuple(_moved(shape, down) for shape in group.shapes))


def _moved(shape: Shape, down: float) -> Shape:
    match shape:
        case Group():
            return moved(shape, down)
        case Polygon(points):
            return replace(shape, points=tuple((x, y + down) for x, y in points))
        case Path(curve):
            return replace(shape, curve=curve.shifted(0.0, down))
        case _:
            return replace(shape, y=shape.y + down)
