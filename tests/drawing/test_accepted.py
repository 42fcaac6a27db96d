"""The acceptance list of diagrams, over every shipped graph, read from the written SVG."""

from __future__ import annotations

from functools import cache
from time import process_time

import pytest

from fpngraph import Graph, load, loads
from fpngraph.drawing import draw
from fpngraph.drawing.formats.svg import write
from fpngraph.drawing.layout.grid import Flow
from fpngraph.graph.nodes import Node
from tests.drawing.accepted import (
    assert_clear_of_nodes,
    assert_edges_reach_their_ends,
    assert_every_edge_is_drawn,
    assert_nothing_clipped,
    assert_one_line_per_level,
    assert_only_edges_of_one_source_overlap,
    assert_sweeps_go,
)
from tests.drawing.graphs import CELLS, NAS, ODD, UNSTAGED, one_cell
from tests.drawing.reading import SVG, Picture

GRAPHS = {
    **{name: one_cell(name) for name in CELLS},
    **{name: load(name) for name in UNSTAGED},
    **{f"{name} of 3": load(name) for name in ("bifpn", "pan_effdet", "qufpn")},
    **{
        f"bifpn {low}-{high} of {repeats}": load("bifpn", min=low, max=high, repeats=repeats)
        for low, high in ((3, 5), (2, 6), (3, 8), (2, 8))
        for repeats in (1, 3, 8)
    },
    "nas of 3": loads(NAS, repeats=3),
    "bifpn of 8": load("bifpn", repeats=8),
    "odd": loads(ODD),
}


DIRECTIONS = [pytest.param("right", id="to the right"), pytest.param("up", id="up")]


@cache
def picture(name: str, direction: Flow = "right") -> Picture:
    return Picture(write(draw(GRAPHS[name], labels="ids", expand=True, direction=direction)))


def groups(name: str) -> str:
    """The columns after the inputs', each with the numbers of its nodes from the smallest."""
    numbers = {group.attrib["data-node"]: group.findtext(f"{SVG}text") for group in picture(name).groups("node")}
    columns = [sorted(int(numbers[node.name] or 0) for node in column) for column in picture(name).columns()]
    return " | ".join(",".join(map(str, column)) for column in columns[1:])


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", GRAPHS)
def test_no_edge_comes_near_a_node_that_is_not_its_end(name: str, direction: Flow) -> None:
    assert_clear_of_nodes(picture(name, direction))


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_is_clipped(name: str, direction: Flow) -> None:
    assert_nothing_clipped(picture(name, direction))


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", GRAPHS)
def test_every_edge_is_drawn_from_its_source_to_its_target(name: str, direction: Flow) -> None:
    assert_every_edge_is_drawn(picture(name, direction), GRAPHS[name])
    assert_edges_reach_their_ends(picture(name, direction))


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", [name for name in GRAPHS if name != "odd"])
def test_only_edges_of_one_source_and_direction_overlap(name: str, direction: Flow) -> None:
    assert_only_edges_of_one_source_overlap(picture(name, direction))


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", GRAPHS)
def test_every_level_is_one_line_and_sweeps_go_from_inputs_to_outputs(name: str, direction: Flow) -> None:
    assert_one_line_per_level(picture(name, direction), direction)
    assert_sweeps_go(picture(name, direction), direction)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("bifpn", "5,6,7 | 8,9,10,11,12", id="bifpn"),
        pytest.param("bifpn 3-5 of 1", "3 | 4,5,6", id="bifpn of three levels"),
        pytest.param("pan_effdet", "5,6,7,8,9 | 10,11,12,13,14", id="pan"),
        pytest.param("qufpn", "5,6,7,8 | 9,10,11,12 | 13,14,15,16 | 17,18,19,20 | 21,22,23,24,25", id="qufpn"),
        pytest.param("nas", "5 | 6,7 | 8,9 | 10,11", id="nas"),
        pytest.param("fpn", "4,5,6,7 | 8,9,10,11,12", id="fpn"),
        pytest.param("retinanet_fpn", "3,4,5 | 6,7,8,9,10", id="retinanet"),
        pytest.param("panet", "4,5,6,7 | 9,10,11 | 8,12,13,14 | 15,16,17,18", id="panet"),
        pytest.param(
            "bifpn of 3", "5,6,7 | 8,9,10,11,12 | 5,6,7 | 8,9,10,11,12 | 5,6,7 | 8,9,10,11,12", id="three runs"
        ),
    ],
)
def test_columns_are_sweeps(name: str, expected: str) -> None:
    assert groups(name) == expected


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("fpn", 0),
        ("panet", 0),
        ("pan_effdet", 0),
        ("pan_effdet of 3", 0),
        ("retinanet_fpn", 0),
        ("bifpn", 3),
        ("bifpn of 3", 9),
        ("nas", 3),
        ("nas of 3", 9),
        ("qufpn", 28),
        ("qufpn of 3", 84),
    ],
)
def test_edges_without_a_common_end_cross_rarely(name: str, most: int) -> None:
    assert len(picture(name).crossings()) <= most


@pytest.mark.parametrize("name", ["bifpn of 3", "pan_effdet of 3", "qufpn of 3", "nas of 3", "bifpn of 8"])
def test_repeated_cells_look_the_same(name: str) -> None:
    cells = [_cell(picture(name), GRAPHS[name], run) for run in range(1 + max(n.run or 0 for n in nodes(name)))]

    assert all(cell == cells[0] for cell in cells[1:])


def nodes(name: str) -> list[Node]:
    return list(GRAPHS[name].nodes.values())


def _cell(picture: Picture, graph: Graph, run: int) -> dict[object, object]:
    """Nodes and inner edges of a run, by member, from its leftmost node on."""
    names = {name: node.member for name, node in graph.nodes.items() if node.run == run}
    left = min(picture.nodes[name].x for name in names)
    found: dict[object, object] = {
        names[name]: (node.x - left, node.y) for name, node in picture.nodes.items() if name in names
    }
    for edge in picture.edges:
        if edge.source in names and edge.target in names:
            points = [(round(x - left, 1), round(y, 1)) for x, y in edge.points]
            found[names[edge.source], names[edge.target]] = points
    return found


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_drawn_quickly_into_a_small_file(name: str) -> None:
    began = process_time()
    text = write(draw(GRAPHS[name]))
    took = process_time() - began

    assert took < {"qufpn": 3.0}.get(name, 0.3) * 3, "three times the aim: machines differ"
    assert len(text.encode()) < 60_000
