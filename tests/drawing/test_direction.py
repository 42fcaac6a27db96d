"""Diagrams whose sweeps go up, read from the written SVG."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from fpngraph import load, loads, render
from fpngraph.cli.main import main
from fpngraph.drawing import draw
from fpngraph.drawing.formats import svg
from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.picture.diagram import Look, diagram
from fpngraph.drawing.text import dot, mermaid, terminal
from tests.drawing.accepted import assert_clear_of_nodes, assert_texts_apart, texts
from tests.drawing.graphs import CELLS, NAS, ODD, UNSTAGED, one_cell
from tests.drawing.reading import SVG, Picture

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
UP = Look(direction="up")


@cache
def picture(name: str, direction: Flow = "up") -> Picture:
    return Picture(svg.write(draw(GRAPHS[name], expand=True, direction=direction)))


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
    drawn = diagram(graph, Look(direction="up", expand=expand))

    boxes = [box for _, box, _ in drawn.cells()]
    assert all(higher[3] < lower[1] for lower, higher in pairwise(boxes))
    for _, (left, top, right, bottom), names in drawn.cells():
        places = drawn.grid.places.items()
        assert names == tuple(name for name, at in places if left < at.x < right and top < at.y < bottom)
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


def test_the_terminal_draws_to_the_right_whatever_the_direction() -> None:
    assert terminal.write(diagram(GRAPHS["bifpn"], UP)) == terminal.write(diagram(GRAPHS["bifpn"]))


def test_mermaid_is_told_the_direction() -> None:
    up, right = (mermaid.write(diagram(GRAPHS["fpn"], look)) for look in (UP, Look()))

    assert up == right.replace("flowchart LR", "flowchart BT")


def test_dot_has_the_names_of_outputs_above_their_lines() -> None:
    text = dot.write(diagram(GRAPHS["fpn"], UP))

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
