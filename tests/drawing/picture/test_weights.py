"""Learned fusion weights as the widths of edges, read back from the SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

import fpngraph
from fpngraph.drawing import Scene, draw
from fpngraph.drawing.formats import svg
from fpngraph.drawing.text import terminal
from tests.drawing.accepted import assert_clear_of_nodes, assert_every_edge_is_drawn, assert_nothing_clipped
from tests.drawing.reading import SVG, Picture
from tests.drawing.two_sweeps import GRAPH, TWICE, weighted, weighted_diagram

SIX = GRAPH.replace("repeat: 2", "repeat: 6")


def edge(scene: Scene, source: str, target: str) -> dict[str, str]:
    """The attributes of an edge's path in the SVG."""
    root = Picture(svg.write(scene)).root
    (found,) = root.findall(f".//{SVG}path[@class='edge'][@data-from='{source}'][@data-to='{target}']")
    return found.attrib


def tip(scene: Scene, name: str) -> str:
    (found,) = (group.tip for group in scene.groups if group.data.get("node") == name)
    return found


@pytest.mark.parametrize(
    ("factors", "widths"),
    [
        pytest.param([0.25, 0.75], ["2.03", "4.5"], id="shares of the largest"),
        pytest.param([0.0, 1.0], ["0.8", "4.5"], id="zero is the thinnest"),
        pytest.param([-4.0, 2.0], ["4.5", "2.65"], id="the sign counts not"),
        pytest.param([0.0, 0.0], ["0.8", "0.8"], id="all zero"),
        pytest.param([0.5, 0.5], ["4.5", "4.5"], id="equal"),
    ],
)
def test_an_edge_is_as_wide_as_its_weight_among_those_of_its_node(factors: list[float], widths: list[str]) -> None:
    scene = weighted({"cell.0.td4": factors})

    edges = [edge(scene, source, "cell.0.td4") for source in ("P4", "P5")]
    assert [found["stroke-width"] for found in edges] == widths
    assert [found["data-weight"] for found in edges] == [f"{factor:.3g}" for factor in factors]


def test_edges_of_other_nodes_stay_as_they_are() -> None:
    scene = weighted({"cell.0.td4": [0.2, 0.8]})

    found = edge(scene, "P3", "cell.0.td3")
    assert found == edge(weighted(None), "P3", "cell.0.td3")


def test_edges_of_one_source_are_as_wide_as_their_magnitudes_together() -> None:
    scene = draw(fpngraph.loads(TWICE), weights={"n": [0.5, 2.0, -0.5]})

    assert (edge(scene, "a", "n")["stroke-width"], edge(scene, "a", "n")["data-weight"]) == ("2.65", "0.5 -0.5")
    assert (edge(scene, "b", "n")["stroke-width"], edge(scene, "b", "n")["data-weight"]) == ("4.5", "2")


def test_an_only_edge_has_its_weight_but_no_width_for_it() -> None:
    scene = draw(fpngraph.loads(TWICE), weights={"m": [0.3]})

    assert (edge(scene, "n", "m")["stroke-width"], edge(scene, "n", "m")["data-weight"]) == ("1.8", "0.3")


def test_the_reader_is_told_the_weights() -> None:
    scene = weighted({"cell.0.td4": [0.42, 0.58]})

    assert tip(scene, "cell.0.td4") == f"{tip(weighted(None), 'cell.0.td4')}; weights: P4 0.42, P5 0.58"
    assert tip(scene, "cell.0.td3") == tip(weighted(None), "cell.0.td3")


@pytest.mark.parametrize(
    ("weights", "expand", "expected"),
    [
        pytest.param(None, None, [], id="none"),
        pytest.param({"cell.0.td4": [1.0, 2.0]}, None, ["width: learned weight"], id="one run"),
        pytest.param(
            {f"cell.{run}.td4": [1.0, 2.0] for run in (0, 1)},
            False,
            ["width: learned weight, mean of the runs"],
            id="means",
        ),
    ],
)
def test_the_legend_says_what_widths_mean(
    weights: Mapping[str, list[float]] | None, expand: bool | None, expected: list[str]
) -> None:
    scene = draw(fpngraph.loads(GRAPH), weights=weights, expand=expand)

    assert [word for word in Picture(svg.write(scene)).words() if word.startswith("width")] == expected


def test_runs_with_weights_are_drawn_one_by_one() -> None:
    graph = fpngraph.loads(SIX)

    drawn = Picture(svg.write(draw(graph, weights={"cell.0.td4": [0.2, 0.8]})))

    assert len(drawn.cells) == 6
    assert len(Picture(svg.write(draw(graph))).cells) == 1


def test_runs_drawn_once_have_the_means_of_their_weights() -> None:
    weights = {"cell.0.td4": [0.2, 0.8], "cell.1.td4": [0.6, 0.4]}

    scene = weighted(weights, expand=False)

    found = edge(scene, "P4", "cell.0.td4")
    assert (found["data-weight"], found["data-weight-runs"], found["stroke-width"]) == ("0.4", "2", "3.27")
    assert tip(scene, "cell.0.td4").endswith("; weights, means of 2 runs: P4 0.4, P5 0.6")
    assert (
        "cell.0.td4 weights, means of 2 runs: P4 0.4, P5 0.6"
        in terminal.write(weighted_diagram(weights, expand=False)).splitlines()
    )


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        pytest.param(
            {"cell.0.td5": [1.0]},
            "weights has 'cell.0.td5', which is no node of graph 'Two sweeps'"
            "\n  hint: did you mean 'cell.0.td4'? There are: cell.0.td4, cell.0.td3, cell.0.out4, cell.0.out5, "
            "cell.1.td4, cell.1.td3, cell.1.out4, cell.1.out5",
            id="no node",
        ),
        pytest.param(
            {"cell.0.td4": [1.0]},
            "weights has [1.0] for node 'cell.0.td4'; a factor per edge is required: 2",
            id="too few",
        ),
        pytest.param(
            {"cell.0.td4": [1.0, math.nan]},
            "weights has [1.0, nan] for node 'cell.0.td4'; finite numbers are required",
            id="not a number",
        ),
    ],
)
def test_weights_that_do_not_fit_are_said(weights: Mapping[str, list[float]], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        weighted(weights)

    assert str(caught.value) == text


def test_a_weighted_picture_keeps_what_every_diagram_keeps() -> None:
    graph = fpngraph.load("bifpn")
    heavy = {name: [float(place) for place in range(len(node.edges))] for name, node in graph.nodes.items()}

    picture = Picture(svg.write(draw(graph, weights=heavy)))

    assert_nothing_clipped(picture)
    assert_clear_of_nodes(picture)
    assert_every_edge_is_drawn(picture, graph)


def test_a_line_stays_open_wide_enough_for_a_thick_one_that_crosses() -> None:
    graph = fpngraph.load("bifpn", repeats=1)
    name = "bifpn.0.td5"

    thick = edge(draw(graph, weights={name: [0.0, 1.0]}), "coarse.P6", "bifpn.0.out6")["stroke-dasharray"]
    usual = edge(draw(graph), "coarse.P6", "bifpn.0.out6")["stroke-dasharray"]

    assert float(thick.split()[1]) == pytest.approx(float(usual.split()[1]) + 4.5 - 1.8, abs=0.02)
