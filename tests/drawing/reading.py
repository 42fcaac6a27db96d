"""Geometry read back from the text of an SVG, by nothing but its mark-up."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from math import hypot

Point = tuple[float, float]
SVG = "{http://www.w3.org/2000/svg}"
SAMPLES = 32  # per Bézier
LETTER = 0.6  # a letter's usual width in parts of the font size


@dataclass(frozen=True)
class Node:
    """A node with its outline, the first shape of its group."""

    name: str
    level: int
    x: float
    y: float
    half: float
    square: bool
    data: dict[str, str]

    def away(self, one: Point, other: Point) -> float:
        """From the outline to a segment; of a square, from the circle that lies as far out as its sides."""
        return to_segment((self.x, self.y), one, other) - self.half


@dataclass(frozen=True)
class Edge:
    """An edge as points along its curve, up to the notch of its arrowhead."""

    source: str
    target: str
    kind: str
    points: tuple[Point, ...]
    dashes: tuple[float, ...]

    @property
    def length(self) -> float:
        return sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(self.points))


class Picture:
    """An SVG file, taken apart."""

    def __init__(self, text: str) -> None:
        self.root = ET.fromstring(text)

    @cached_property
    def view(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        left, top, wide, high = map(float, self.root.attrib["viewBox"].split())
        return left, top, left + wide, top + high

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return {node.name: node for node in map(_node, self.groups("node"))}

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        return tuple(map(_edge, self.root.findall(f".//{SVG}path[@class='edge']")))

    @cached_property
    def stubs(self) -> tuple[Edge, ...]:
        return tuple(map(_edge, self.root.findall(f".//{SVG}path[@class='stub']")))

    @cached_property
    def cells(self) -> list[dict[str, str]]:
        return [_data(group) for group in self.groups("cell")]

    def groups(self, mark: str) -> list[ET.Element]:
        return self.root.findall(f".//{SVG}g[@class='{mark}']")

    def words(self) -> list[str]:
        return [text.text or "" for text in self.root.iter(f"{SVG}text")]

    def columns(self) -> list[list[Node]]:
        """The nodes by their x, each column from top to bottom."""
        xs = sorted({node.x for node in self.nodes.values()})
        return [sorted((n for n in self.nodes.values() if n.x == x), key=lambda n: n.y) for x in xs]

    def crossings(self) -> list[tuple[Edge, Edge]]:
        """Every crossing of two edges without a common end, edges that cross twice twice."""
        found = []
        for one, other in combinations(self.edges, 2):
            if {one.source, one.target}.isdisjoint({other.source, other.target}) and _boxes_meet(one, other):
                found += [(one, other)] * sum(1 for _ in meetings(one.points, other.points))
        return found

    def clearances(self) -> Iterator[tuple[float, Edge, Node]]:
        """The distance of every edge and stub to every node that is not its end, where they come near."""
        for edge in (*self.edges, *self.stubs):
            xs, ys = zip(*edge.points, strict=True)
            for node in self.nodes.values():
                reach = node.half + 10
                near = min(xs) - reach < node.x < max(xs) + reach and min(ys) - reach < node.y < max(ys) + reach
                if near and node.name not in (edge.source, edge.target):
                    yield min(node.away(a, b) for a, b in pairwise(edge.points)), edge, node

    def extents(self) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
        """What everything drawn takes: left, top, right, bottom."""
        for element in self.root.iter():
            box = _extent(element)
            if box and element.get("class") != "ground":
                yield ET.tostring(element, encoding="unicode")[:150], box


def to_segment(point: Point, one: Point, other: Point) -> float:
    dx, dy = other[0] - one[0], other[1] - one[1]
    square = dx * dx + dy * dy
    t = min(1.0, max(0.0, ((point[0] - one[0]) * dx + (point[1] - one[1]) * dy) / square)) if square else 0.0
    return hypot(point[0] - one[0] - t * dx, point[1] - one[1] - t * dy)


def meetings(one: tuple[Point, ...], other: tuple[Point, ...]) -> Iterator[Point]:
    """Points in which two lines of straight parts cross."""
    for a, b in pairwise(one):
        for c, d in pairwise(other):
            if max(a[0], b[0]) < min(c[0], d[0]) or max(c[0], d[0]) < min(a[0], b[0]):
                continue
            rx, ry, sx, sy = b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]
            across = rx * sy - ry * sx
            if abs(across) > 1e-9:
                t = ((c[0] - a[0]) * sy - (c[1] - a[1]) * sx) / across
                u = ((c[0] - a[0]) * ry - (c[1] - a[1]) * rx) / across
                if 0 <= t < 1 and 0 <= u < 1:
                    yield a[0] + t * rx, a[1] + t * ry


def points_of(path: str) -> tuple[Point, ...]:
    """Points along the ``d`` of a path of M, L and C."""
    points: list[Point] = []
    for letter, body in re.findall(r"([MLC])([^MLC]*)", path):
        numbers = [float(number) for number in body.split()]
        given = list(zip(numbers[::2], numbers[1::2], strict=True))
        if letter in "ML":
            points += given
        else:
            assert len(given) == 3
            points += [_on_curve(points[-1], *given, t / SAMPLES) for t in range(1, SAMPLES + 1)]
    return tuple(points)


def _on_curve(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    s = 1 - t
    weights = (s**3, 3 * s * s * t, 3 * s * t * t, t**3)
    x, y = (sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) for axis in (0, 1))
    return x, y


def _boxes_meet(one: Edge, other: Edge) -> bool:
    for axis in (0, 1):
        first = [point[axis] for point in one.points]
        second = [point[axis] for point in other.points]
        if max(first) < min(second) or max(second) < min(first):
            return False
    return True


def _data(element: ET.Element) -> dict[str, str]:
    return {key[5:]: value for key, value in element.attrib.items() if key.startswith("data-")}


def _node(group: ET.Element) -> Node:
    data, shape = _data(group), group[0]
    if shape.tag == f"{SVG}circle":
        x, y, half = (float(shape.attrib[key]) for key in ("cx", "cy", "r"))
    else:
        left, top, side = (float(shape.attrib[key]) for key in ("x", "y", "width"))
        x, y, half = left + side / 2, top + side / 2, side / 2
    return Node(data["node"], int(data["level"]), x, y, half, shape.tag == f"{SVG}rect", data)


def _edge(path: ET.Element) -> Edge:
    data = _data(path)
    dashes = tuple(map(float, path.get("stroke-dasharray", "").split()))
    target = data.get("to") or data["output"]
    return Edge(data["from"], target, data.get("kind", "stub"), points_of(path.attrib["d"]), dashes)


def _extent(element: ET.Element) -> tuple[float, float, float, float] | None:
    get = element.attrib
    edge = float(get.get("stroke-width", 0)) / 2
    match element.tag.removeprefix(SVG):
        case "path":
            xs, ys = zip(*points_of(get["d"]), strict=True)
        case "polygon":
            xs, ys = zip(*(map(float, pair.split(",")) for pair in get["points"].split()), strict=True)
        case "circle":
            x, y, radius = (float(get[key]) for key in ("cx", "cy", "r"))
            xs, ys = (x - radius, x + radius), (y - radius, y + radius)
        case "rect":
            x, y, wide, high = (float(get[key]) for key in ("x", "y", "width", "height"))
            xs, ys = (x, x + wide), (y, y + high)
        case "text":
            size, x, y = (float(get[key]) for key in ("font-size", "x", "y"))
            wide = len(element.text or "") * LETTER * size
            left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[get.get("text-anchor", "start")]
            xs, ys = (left, left + wide), (y - 0.8 * size, y + 0.2 * size)
        case _:
            return None
    return min(xs) - edge, min(ys) - edge, max(xs) + edge, max(ys) + edge
