"""Texts and signs of every shipped graph and of crowded ones: readable, and nothing looks like something else."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from math import hypot

import pytest

from fpngraph import Graph, load, loads
from fpngraph.drawing import Scene, draw
from fpngraph.drawing.formats.svg import write
from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.picture.scene import Text
from fpngraph.library import shipped
from tests.drawing.accepted import assert_only_edges_of_one_source_overlap, assert_texts_apart, texts
from tests.drawing.graphs import ALL_TO_ALL, DENSE, MIXED, TWO_INPUTS
from tests.drawing.reading import Edge, Picture, Point, to_segment
from tests.drawing.told import (
    assert_bridges_are_closed,
    assert_no_two_edges_end_as_one,
    assert_texts_beside_nodes_are_clear,
    assert_texts_on_edges_are_clear,
    ink,
)

OWN = {"dense": DENSE, "mixed": MIXED, "two inputs": TWO_INPUTS}
CASES = [(name, direction) for name in (*OWN, *shipped()) for direction in ("right", "up")]


def graph(name: str) -> Graph:
    return loads(OWN[name]) if name in OWN else load(name)


@cache
def drawn(name: str, direction: Flow) -> tuple[Scene, Picture]:
    scene = draw(graph(name), direction=direction)
    return scene, Picture(write(scene))


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_no_text_lies_on_anything(name: str, direction: Flow) -> None:
    assert_texts_beside_nodes_are_clear(*drawn(name, direction))
    assert_texts_on_edges_are_clear(*drawn(name, direction))


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_two_inputs_of_a_node_never_look_like_one(name: str, direction: Flow) -> None:
    assert_no_two_edges_end_as_one(drawn(name, direction)[1])


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_where_a_line_is_open_another_one_crosses_it(name: str, direction: Flow) -> None:
    assert_bridges_are_closed(*drawn(name, direction))


@pytest.mark.parametrize("name", [*OWN, "afpn", "gfpn", "nasfcos_fpn", "qufpn", "unetpp"])
def test_no_edge_hides_another(name: str) -> None:
    assert_only_edges_of_one_source_overlap(drawn(name, "right")[1])


@pytest.mark.parametrize("direction", ["right", "up"])
def test_a_text_beside_an_edge_is_nearer_to_it_than_to_others(direction: Flow) -> None:
    scene, picture = drawn("nasfcos_fpn", direction)  # b5 reads A5 twice, by a line that begins on that to c5
    twice = {edge.target: edge for edge in picture.edges if edge.source == "A5" and edge.target in ("b5", "c5")}
    centres = [centre(text) for text in texts(scene, "labels") if text.text == "2x"]

    nearest = min(centres, key=lambda point: away(point, twice["b5"]))

    assert away(nearest, twice["b5"]) < away(nearest, twice["c5"])


def centre(text: Text) -> Point:
    left, top, right, bottom = ink(text)
    return (left + right) / 2, (top + bottom) / 2


def away(point: Point, edge: Edge) -> float:
    return min(to_segment(point, a, b) for a, b in pairwise(edge.points))


def test_where_no_place_is_free_a_text_lies_on_lines_but_on_no_text_and_no_node() -> None:
    scene = draw(loads(ALL_TO_ALL))
    ratios = texts(scene, "labels")

    hidden = [
        (text.text, node.name)
        for text in ratios
        for node in Picture(write(scene)).nodes.values()
        if hypot(centre(text)[0] - node.x, centre(text)[1] - node.y) < node.half
    ]

    assert hidden == []
    assert_texts_apart(ratios)


@pytest.mark.parametrize("name", [*OWN, *shipped()])
def test_the_fusion_of_every_node_can_be_read(name: str) -> None:
    scene, _ = drawn(name, "right")
    legend = [text.text for text in texts(scene, "legend")]
    called = {node.name: node.fusion.badge or node.fusion.name for node in graph(name).nodes.values()}
    fused = [node.name for node in graph(name).nodes.values() if len(node.edges) > 1]

    told = {text.removeprefix("fusion (").removesuffix(")") for text in legend}
    told |= {text.text for text in texts(scene, "badges")}
    assert {called[node] for node in fused} <= told


def test_a_fusion_whose_names_have_no_room_is_a_letter_on_its_nodes() -> None:
    scene, _ = drawn("dense", "right")

    legend = [text.text for text in texts(scene, "legend")]
    assert legend[legend.index("a") + 1] == "softmax"
    assert [text.text for text in texts(scene, "badges")] == ["a"] * 12


def test_the_legend_says_what_a_count_on_an_edge_is() -> None:
    gold, plain = (drawn(name, "right")[0] for name in ("gold_yolo", "fpn"))

    legend = [text.text for text in texts(gold, "legend")]
    assert legend[legend.index("2x") + 1] == "map read 2 times"
    assert "2x" not in [text.text for text in texts(plain, "legend")]


@pytest.mark.parametrize("direction", ["right", "up"])
def test_no_dots_run_between_two_nodes_of_a_level(direction: Flow) -> None:
    scene, picture = drawn("two inputs", direction)
    axis = 0 if direction == "right" else 1
    at = {name: (node.x, node.y)[axis] for name, node in picture.nodes.items()}

    dots = [shape.box() for group in scene.groups if group.mark == "row" for shape in group.shapes[:-2]]

    low, high = sorted((at["rgb3"], at["depth3"]))
    assert dots
    assert [box for box in dots if box[axis] < high and box[axis + 2] > low] == []
