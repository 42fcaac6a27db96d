"""Diagrams whose sweeps go up, read from the written SVG."""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from fpngraph import Graph, load, loads, render
from fpngraph.cli import main
from fpngraph.drawing import dot, draw, mermaid, svg, terminal
from fpngraph.drawing.outline import outline
from fpngraph.drawing.scene import Flow, Group, Scene, Shape, Text
from tests.drawing.accepted import (
    assert_clear_of_nodes,
    assert_edges_reach_their_ends,
    assert_every_edge_is_drawn,
    assert_nothing_clipped,
    assert_only_edges_of_one_source_overlap,
)
from tests.drawing.graphs import CELLS, NAS, ODD, UNSTAGED, graphs, one_cell
from tests.drawing.picture import SVG, Picture

GRAPHS = {
    **{name: one_cell(name) for name in CELLS},
    **{name: load(name) for name in UNSTAGED},
    **{f"{name} of 3": load(name) for name in ("bifpn", "pan_effdet", "qufpn")},
    "nas of 3": loads(NAS, repeats=3),
    "odd": loads(ODD),
}
LONG_NAMES = """
fpngraph: 1
name: long names of outputs
inputs: C(3..4)
defaults: {channels: 8}
nodes:
  M4: {inputs: [C4]}
  M3: {inputs: [C3, M4]}
  N4: {inputs: [M4, M3]}
outputs: {a_name_that_is_wide: M3, another_name_that_is_wide: M4, a_third_name_that_is_wide: N4, short: C4}
"""


@cache
def picture(name: str, direction: Flow = "up") -> Picture:
    return Picture(svg.write(draw(GRAPHS[name], expand=True, direction=direction)))


def texts(scene: Scene, *marks: str) -> list[Text]:
    def inside(shape: Shape) -> list[Text]:
        if isinstance(shape, Group):
            return [text for part in shape.shapes for text in inside(part)]
        return [shape] if isinstance(shape, Text) else []

    return [text for group in scene.groups if group.mark in marks for text in inside(group)]


def assert_texts_apart(found: list[Text]) -> None:
    def meet(one: Text, other: Text) -> bool:
        (left, top, right, bottom), (x, y, end, low) = one.box(), other.box()
        return left < end and x < right and top + one.size * 0.35 < low and y + other.size * 0.35 < bottom

    assert [(one.text, other.text) for one, other in combinations(found, 2) if meet(one, other)] == []


def assert_one_column_per_level(picture: Picture) -> None:
    places: dict[int, set[float]] = {}
    for node in picture.nodes.values():
        places.setdefault(node.level, set()).add(node.x)

    assert all(len(xs) == 1 for xs in places.values())
    ordered = [places[level].pop() for level in sorted(places)]
    assert all(right - left >= 77 for left, right in pairwise(ordered))


def assert_it_goes_up(picture: Picture) -> None:
    bottom = max(node.y for node in picture.nodes.values())
    top = min(node.y - node.half for node in picture.nodes.values())

    assert {node.y for node in picture.nodes.values() if node.square} == {bottom}
    assert all(picture.nodes[edge.target].y <= picture.nodes[edge.source].y for edge in picture.edges)
    assert all(stub.points[-1][1] < top for stub in picture.stubs)


@pytest.mark.parametrize("name", GRAPHS)
def test_every_level_is_one_column_and_the_finest_is_on_the_left(name: str) -> None:
    assert_one_column_per_level(picture(name))


@pytest.mark.parametrize("name", GRAPHS)
def test_inputs_are_at_the_bottom_and_outputs_at_the_top(name: str) -> None:
    assert_it_goes_up(picture(name))


@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_is_clipped_or_hidden_or_missing(name: str) -> None:
    assert_nothing_clipped(picture(name))
    assert_clear_of_nodes(picture(name))
    assert_every_edge_is_drawn(picture(name), GRAPHS[name])
    assert_edges_reach_their_ends(picture(name))


@pytest.mark.parametrize("name", [name for name in GRAPHS if name != "odd"])
def test_only_edges_of_one_source_and_direction_overlap(name: str) -> None:
    assert_only_edges_of_one_source_overlap(picture(name))


@pytest.mark.parametrize("name", GRAPHS)
def test_the_same_edges_cross_as_from_left_to_right(name: str) -> None:
    def crossings(direction: Flow) -> list[tuple[str, ...]]:
        pairs = picture(name, direction).crossings()
        return sorted((one.source, one.target, other.source, other.target) for one, other in pairs)

    assert crossings("up") == crossings("right")


@pytest.mark.parametrize("name", GRAPHS)
def test_edges_and_nodes_keep_what_they_mean(name: str) -> None:
    up, right = picture(name), picture(name, "right")

    assert [(e.source, e.target, e.kind) for e in up.edges] == [(e.source, e.target, e.kind) for e in right.edges]
    assert {node.name: node.data for node in up.nodes.values()} == {n.name: n.data for n in right.nodes.values()}


@pytest.mark.parametrize("expand", [True, False], ids=["every run", "runs drawn once"])
@pytest.mark.parametrize("name", ["bifpn", "pan_effdet", "qufpn"])
def test_names_levels_headings_and_outputs_stand_apart(name: str, expand: bool) -> None:
    scene = draw(load(name), direction="up", expand=expand, in_channels=[1280, 2048, 2048], image_size=1024)

    assert_texts_apart(texts(scene, "row", "cell", "heading", "title", "labels", "legend", "node"))


def test_wide_names_of_outputs_stand_side_by_side() -> None:
    scene = draw(loads(LONG_NAMES), direction="up")

    assert_texts_apart(texts(scene, "labels"))
    assert_clear_of_nodes(Picture(svg.write(scene)))


@pytest.mark.parametrize("expand", [True, False], ids=["every run", "runs drawn once"])
def test_cells_lie_on_each_other_with_their_nodes_in_them_and_their_headings_beside_them(expand: bool) -> None:
    graph = load("bifpn", repeats=3)
    up, right = (outline(draw(graph, direction=direction, expand=expand)) for direction in ("up", "right"))

    assert [(frame.heading, frame.knots) for frame in up.frames] == [(f.heading, f.knots) for f in right.frames]
    assert all(higher.box[3] < lower.box[1] for lower, higher in pairwise(up.frames))
    for cell in Picture(svg.write(draw(graph, direction="up", expand=expand))).groups("cell"):
        left = min(float(rect.attrib["x"]) for rect in cell.findall(f"{SVG}rect") if rect.attrib["rx"] == "14")
        heading = cell.findall(f"{SVG}text")[0]
        assert (float(heading.attrib["x"]) < left, heading.attrib["text-anchor"]) == (True, "end")


def test_labels_of_levels_are_centred_below_the_inputs() -> None:
    found = picture("bifpn")
    labels = {row.attrib["data-level"]: row.findall(f"{SVG}text") for row in found.groups("row")}

    for node in found.nodes.values():
        for text in labels[str(node.level)]:
            assert (float(text.attrib["x"]), text.attrib["text-anchor"]) == (node.x, "middle")
            assert float(text.attrib["y"]) > node.y + node.half + 20
    assert [text.text for text in labels["3"]] == ["P3", "/8"]


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(graph=graphs())
def test_whatever_the_graph_nothing_is_clipped_or_hidden_or_missing(graph: Graph) -> None:
    scene = draw(graph, direction="up")

    found = Picture(svg.write(scene))
    assert_nothing_clipped(found)
    assert_clear_of_nodes(found)
    assert_every_edge_is_drawn(found, graph)
    assert_edges_reach_their_ends(found)
    assert_one_column_per_level(found)
    assert_texts_apart(texts(scene, "row", "cell", "heading", "title", "legend", "node"))


def test_the_terminal_draws_to_the_right_whatever_the_direction() -> None:
    assert terminal.write(draw(GRAPHS["bifpn"], direction="up")) == terminal.write(draw(GRAPHS["bifpn"]))


def test_mermaid_is_told_the_direction() -> None:
    up, right = (mermaid.write(draw(GRAPHS["fpn"], direction=direction)) for direction in ("up", "right"))

    assert up == right.replace("flowchart LR", "flowchart BT")


def test_dot_has_the_names_of_outputs_above_their_lines() -> None:
    text = dot.write(draw(GRAPHS["fpn"], direction="up"))

    found = re.search(r'"output P3" \[label="P3", pos="(\S+),(\S+)!"', text)
    node = re.search(r'\n  P3 \[label="P3", pos="(\S+),(\S+)!"', text)
    assert found is not None
    assert node is not None
    assert float(found[1]) == float(node[1])
    assert float(found[2]) > float(node[2]) + 40


def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        draw(GRAPHS["fpn"], direction="down")  # type: ignore[arg-type]

    assert str(caught.value) == "'down' is none of 'right', 'up'"


def test_render_and_the_command_line_draw_upwards(tmp_path: Path) -> None:
    called, typed = tmp_path / "called.svg", tmp_path / "typed.svg"

    render(GRAPHS["fpn"], called, direction="up")
    status = main(["render", "fpn", "--direction", "up", "-o", str(typed)])

    assert status == 0
    assert called.read_text() == typed.read_text() == svg.write(draw(GRAPHS["fpn"], direction="up"))
