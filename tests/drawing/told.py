"""What every text and sign of a diagram keeps: it can be read, and nothing is taken for something else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, combinations, pairwise
from math import hypot

from PIL import ImageFont

from fpngraph.drawing.picture.scene import Rect, Scene, Text
from fpngraph.fonts import FACES, face
from tests.drawing.accepted import texts
from tests.drawing.reading import Edge, Picture, Point, to_segment

TIPS_APART = 6.5
BOW = 1.5  # px that a line under a text may be off a straight one

Box = tuple[float, float, float, float]


def ink(text: Text) -> Box:
    """About what the letters take in the font of the package."""
    font = ImageFont.truetype(str(FACES[face(text.weight)]), 100)
    wide = font.getlength(text.text) * text.size / 100
    left = text.x - {"start": 0.0, "middle": wide / 2, "end": wide}[text.anchor]
    return left, text.y - 0.72 * text.size, left + wide, text.y + 0.05 * text.size


def assert_texts_beside_nodes_are_clear(scene: Scene, picture: Picture) -> None:
    """Of nodes, lines, borders of cells and one another."""
    names = [text for text in texts(scene, "badges") if len(text.text) > 1]
    names += [text for text in texts(scene, "labels") if text.fill.startswith("text.")]

    found = [(text.text, what) for text in names for what in _under(text, scene, picture)]

    assert found == []


def assert_texts_on_edges_are_clear(scene: Scene, picture: Picture, *, most: int = 0) -> None:
    """Of nodes, other lines, borders of cells and one another, and on a straight part of their edge.

    ``most``: how often one may touch something, where there are more texts than free places.
    """
    ratios = [text for text in texts(scene, "labels") if text.fill in ("up", "down", "same")]

    found = [(text.text, what) for text in ratios for what in _under(text, scene, picture, but=_own(text, picture))]
    found += [(text.text, f"{off:.1f} px") for text in ratios if (off := _bow(text, picture)) > BOW]

    assert len(found) <= most, found


def _under(text: Text, scene: Scene, picture: Picture, *, but: Edge | None = None) -> Iterator[str]:
    left, top, right, bottom = box = ink(text)
    for node in picture.nodes.values():
        x, y = min(max(node.x, left), right), min(max(node.y, top), bottom)
        away = max(abs(x - node.x), abs(y - node.y)) if node.square else hypot(x - node.x, y - node.y)
        if away < node.half:
            yield node.name
    for group in scene.groups:
        for shape in group.shapes if group.mark == "cell" else ():
            if isinstance(shape, Rect) and shape.radius == 14.0 and _crosses_border(box, shape):
                yield "border"
    for other in (*texts(scene, "labels"), *texts(scene, "badges")):
        if other is not text and _meet(box, ink(other)):
            yield other.text
    for edge in (*picture.edges, *picture.stubs):
        if edge is not but and any(_passes(a, b, box) for a, b in pairwise(edge.points)):
            yield f"{edge.source} -> {edge.target}"


def _crosses_border(box: Box, frame: Rect) -> bool:
    outer = (frame.x, frame.y, frame.x + frame.width, frame.y + frame.height)
    inside = outer[0] < box[0] and outer[1] < box[1] and box[2] < outer[2] and box[3] < outer[3]
    return _meet(box, outer) and not inside


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _passes(a: Point, b: Point, box: Box) -> bool:
    steps = max(1, int(hypot(b[0] - a[0], b[1] - a[1]) / 2))
    points = ((a[0] + (b[0] - a[0]) * n / steps, a[1] + (b[1] - a[1]) * n / steps) for n in range(steps + 1))
    return any(box[0] < x < box[2] and box[1] < y < box[3] for x, y in points)


def _own(text: Text, picture: Picture) -> Edge:
    """The edge that a text is on."""
    left, top, right, bottom = ink(text)
    centre = (left + right) / 2, (top + bottom) / 2
    return min(
        (edge for edge in picture.edges if edge.kind == text.fill),
        key=lambda edge: min(to_segment(centre, a, b) for a, b in pairwise(edge.points)),
    )


def _bow(text: Text, picture: Picture) -> float:
    """How far the line under a text is off a straight one, at most; of a text beside its line, nothing."""
    left, top, right, bottom = ink(text)
    dense = [point for a, b in pairwise(_own(text, picture).points) for point in _along(a, b)]
    inside = [(x, y) for x, y in dense if left - 2 < x < right + 2 and top - 2 < y < bottom + 2]
    return max((to_segment(point, inside[0], inside[-1]) for point in inside), default=0.0)


def _along(a: Point, b: Point) -> Iterator[Point]:
    steps = max(1, int(hypot(b[0] - a[0], b[1] - a[1])))
    yield from ((a[0] + (b[0] - a[0]) * n / steps, a[1] + (b[1] - a[1]) * n / steps) for n in range(steps))


def assert_no_two_edges_end_as_one(picture: Picture) -> None:
    found = [
        (one.source, other.source, one.target, round(apart, 1))
        for one, other in combinations(picture.edges, 2)
        if one.target == other.target
        and (apart := hypot(one.points[-1][0] - other.points[-1][0], one.points[-1][1] - other.points[-1][1]))
        < TIPS_APART
    ]

    assert found == []


def assert_bridges_are_closed(scene: Scene, picture: Picture) -> None:
    """In every gap of a solid line there is another line, or a text."""
    boxes = [ink(text) for text in texts(scene, "labels")]
    lines = (*picture.edges, *picture.stubs)
    found = [
        (edge.source, edge.target, (x, y))
        for edge in lines
        if edge.kind != "up"
        for (x, y), *more in _gaps(edge)
        if not any(left - 3 < x < right + 3 and top - 3 < y < bottom + 3 for left, top, right, bottom in boxes)
        and not any(_near(point, other) for point in ((x, y), *more) for other in lines if other is not edge)
    ]

    assert found == []


def _near(point: Point, edge: Edge) -> bool:
    return any(to_segment(point, a, b) < 2.0 for a, b in pairwise(edge.points))


def _gaps(edge: Edge) -> Iterator[list[Point]]:
    """Points in each stretch of a line that is open, a pixel apart from its middle on: one gap may be for two lines."""
    ends = [0.0, *accumulate(edge.dashes)]
    for start, end in list(pairwise(ends))[1:-1:2]:
        middle, reach = (start + end) / 2, int((end - start) / 2)
        yield [_at(edge, middle + n) for n in sorted(range(-reach, reach + 1), key=abs)]


def _at(edge: Edge, along: float) -> Point:
    for a, b in pairwise(edge.points):
        length = hypot(b[0] - a[0], b[1] - a[1])
        if along <= length and length:
            return a[0] + (b[0] - a[0]) * along / length, a[1] + (b[1] - a[1]) * along / length
        along -= length
    return edge.points[-1]
