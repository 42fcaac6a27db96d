"""What every diagram keeps, as checks of its picture."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise
from math import hypot

from fpngraph import Graph
from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.picture.scene import Scene, Text
from fpngraph.drawing.picture.scene import texts as every_text
from tests.drawing.reading import Edge, Picture, to_segment

CLEAR = 7.0
APART = 3.0  # px within which two lines look like one
SHORT = 24.0  # px that they may, near an end that they share or where they cross at a small angle


def assert_clear_of_nodes(picture: Picture) -> None:
    near = [(round(away, 1), edge.source, edge.target, node.name) for away, edge, node in picture.clearances()]

    assert [found for found in near if found[0] < CLEAR] == []


def assert_nothing_clipped(picture: Picture) -> None:
    left, top, right, bottom = picture.view
    outside = [
        what for what, box in picture.extents() if box[0] < left or box[1] < top or box[2] > right or box[3] > bottom
    ]

    assert outside == []


def assert_every_edge_is_drawn(picture: Picture, graph: Graph) -> None:
    counts = Counter((edge.source, node.name) for node in graph.nodes.values() for edge in node.edges)
    drawn = Counter((edge.source, edge.target) for edge in picture.edges)

    assert drawn == Counter(counts.keys())
    assert {(stub.source, stub.target) for stub in picture.stubs} == {(n, o) for o, n in graph.outputs.items()}


def assert_edges_reach_their_ends(picture: Picture) -> None:
    """From the border of the source, or a corner of it, to where the arrowhead begins."""
    for edge in picture.edges:
        source, target = picture.nodes[edge.source], picture.nodes[edge.target]
        start = to_segment((source.x, source.y), edge.points[0], edge.points[0])
        end = to_segment((target.x, target.y), edge.points[-1], edge.points[-1])
        corner = 1.42 if source.square else 1.0
        assert source.half < start < source.half * corner + 4, edge
        assert target.half + 6 < end < target.half + 14, edge


def assert_one_line_per_level(picture: Picture, direction: Flow) -> None:
    """Rows from the coarsest level on top to the finest, or columns from the finest on the left to the coarsest."""
    places: dict[int, set[float]] = {}
    for node in picture.nodes.values():
        places.setdefault(node.level, set()).add(node.y if direction == "right" else -node.x)

    assert all(len(found) == 1 for found in places.values())
    ordered = [places[level].pop() for level in sorted(places, reverse=True)]
    assert all(following - one >= 77 for one, following in pairwise(ordered))


def along(x: float, y: float, direction: Flow) -> float:
    """How far on a place is, where sweeps go."""
    return x if direction == "right" else -y


def assert_sweeps_go(picture: Picture, direction: Flow) -> None:
    """From the inputs to the outputs, and no edge backwards."""
    at = {name: along(node.x, node.y, direction) for name, node in picture.nodes.items()}

    assert {at[node.name] for node in picture.nodes.values() if node.square} == {min(at.values())}
    assert_no_edge_goes_back(picture, direction)


def assert_no_edge_goes_back(picture: Picture, direction: Flow) -> None:
    at = {name: along(node.x, node.y, direction) for name, node in picture.nodes.items()}

    assert all(at[edge.source] <= at[edge.target] for edge in picture.edges)
    assert all(along(*stub.points[-1], direction) > max(at.values()) for stub in picture.stubs)


def assert_only_edges_of_one_source_overlap(picture: Picture) -> None:
    found = [
        (one.source, one.target, other.source, other.target)
        for one, other in combinations((*picture.edges, *picture.stubs), 2)
        if (one.source, one.kind) != (other.source, other.kind) and overlap(one, other) > SHORT
    ]

    assert found == []


def overlap(one: Edge, other: Edge) -> float:
    """The length over which one edge lies on another."""
    total = 0.0
    xs, ys = zip(*other.points, strict=True)
    left, top, right, bottom = min(xs) - APART, min(ys) - APART, max(xs) + APART, max(ys) + APART
    for a, b in pairwise(one.points):
        if max(a[0], b[0]) < left or min(a[0], b[0]) > right or max(a[1], b[1]) < top or min(a[1], b[1]) > bottom:
            continue
        length = hypot(b[0] - a[0], b[1] - a[1])
        steps = max(1, int(length / 4))
        for step in range(steps):
            share = (step + 0.5) / steps
            point = a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
            here = left <= point[0] <= right and top <= point[1] <= bottom
            if here and any(to_segment(point, c, d) < APART for c, d in pairwise(other.points)):
                total += length / steps
    return total


def texts(scene: Scene, *marks: str) -> list[Text]:
    return [*every_text([group for group in scene.groups if group.mark in marks])]


def assert_texts_apart(found: list[Text]) -> None:
    def meet(one: Text, other: Text) -> bool:
        (left, top, right, bottom), (x, y, end, low) = one.box(), other.box()
        return left < end and x < right and top + one.size * 0.35 < low and y + other.size * 0.35 < bottom

    assert [(one.text, other.text) for one, other in combinations(found, 2) if meet(one, other)] == []
