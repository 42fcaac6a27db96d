"""Pictures in several rows below each other: the acceptance list, row by row."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest
from hypothesis import HealthCheck, given, settings

from fpngraph import Graph, load
from fpngraph.drawing import draw
from fpngraph.drawing.formats import html
from fpngraph.drawing.formats.svg import write
from fpngraph.drawing.layout.geometry import union
from fpngraph.drawing.layout.rows import most_rows
from fpngraph.drawing.picture.assemble import assembled
from fpngraph.drawing.picture.diagram import Diagram, Look, diagram
from fpngraph.drawing.picture.scene import Scene
from tests.drawing.accepted import (
    assert_clear_of_nodes,
    assert_edges_reach_their_ends,
    assert_every_edge_is_drawn,
    assert_no_edge_goes_back,
    assert_nothing_clipped,
    assert_one_line_per_level,
    assert_only_edges_of_one_source_overlap,
    assert_texts_apart,
    texts,
)
from tests.drawing.graphs import graphs
from tests.drawing.reading import Picture
from tests.drawing.told import (
    assert_bridges_are_closed,
    assert_no_two_edges_end_as_one,
    assert_texts_beside_nodes_are_clear,
    assert_texts_on_edges_are_clear,
)


def assert_accepted(drawn: Diagram, rows: int) -> None:
    for part in drawn.in_rows(rows):
        scene = assembled(replace(part, look=Look(title=False)))
        # what is repeated is a node to every check
        picture = Picture(write(scene).replace('class="repeat" data-of=', 'class="node" data-node='))
        assert_nothing_clipped(picture)
        assert_clear_of_nodes(picture)
        assert_edges_reach_their_ends(picture)
        assert_one_line_per_level(picture, "right")
        assert_sweeps_go_on(picture, part)
        assert_only_edges_of_one_source_overlap(picture)
        assert_texts_apart(texts(scene, "row", "cell", "heading", "legend", "node", "repeat"))
        assert_texts_beside_nodes_are_clear(scene, picture)
        assert_texts_on_edges_are_clear(scene, picture, most=2)
        assert_no_two_edges_end_as_one(picture)
        assert_bridges_are_closed(scene, picture)


def assert_sweeps_go_on(picture: Picture, part: Diagram) -> None:
    """From what is repeated of the rows above to the ends of outputs, and no edge backwards."""
    repeated = [picture.nodes[name].x for name, spot in part.plan.spots.items() if spot.repeated]
    own = [picture.nodes[name].x for name, spot in part.plan.spots.items() if not spot.repeated]

    assert_no_edge_goes_back(picture, "right")
    assert max(repeated, default=-inf) < min(own)


def assert_whole(scene: Scene, graph: Graph, rows: int) -> None:
    """Everything is there once, and rows lie below each other."""
    picture = Picture(write(scene))
    assert_nothing_clipped(picture)
    assert_clear_of_nodes(picture)
    assert_every_edge_is_drawn(picture, graph)
    assert Counter(node.attrib["data-node"] for node in picture.groups("node")) == Counter(
        [*graph.inputs, *graph.nodes]
    )
    body = [group for group in scene.groups if group.mark not in ("title", "legend")]
    starts = [place for place, group in enumerate(body) if group.mark in ("cell", "heading")]
    firsts = [place for place in starts if place == 0 or body[place - 1].mark not in ("cell", "heading")]
    boxes = [union(group.box() for group in body[a:b]) for a, b in pairwise((*firsts, len(body)))]
    assert len(boxes) == rows
    assert all(upper[3] < lower[1] for upper, lower in pairwise(boxes))


@pytest.mark.parametrize("name", ["bifpn", "fpg", "gfpn", "panet", "unetpp", "yolov8"])
def test_cells_go_on_in_the_next_row_and_nothing_is_hidden_or_missing(name: str) -> None:
    graph = load(name)
    drawn = diagram(graph, Look(rows=2, expand=True))

    assert_accepted(drawn, 2)
    assert_whole(assembled(drawn), graph, 2)


@pytest.mark.slow
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(graph=graphs())
def test_whatever_the_graph_its_rows_hide_nothing(graph: Graph) -> None:
    drawn = diagram(graph, Look(expand=True))
    rows = min(3, most_rows(drawn.plan))

    assert_accepted(drawn, rows)
    assert_whole(assembled(replace(drawn, look=Look(expand=True, rows=rows))), graph, rows)


def test_a_row_repeats_what_it_needs_of_those_above_under_the_heading_of_its_cell() -> None:
    scene = draw(load("gfpn"), rows=3)

    picture = Picture(write(scene))
    assert [node.attrib["data-of"] for node in picture.groups("repeat")][:2] == ["pair.0.t7", "pair.0.t6"]
    assert [text.text for text in texts(scene, "heading")] == ["inputs", "pair.0", "last"]
    assert "from a row above" in [text.text for text in texts(scene, "legend")]


def test_rows_are_alike_with_what_they_repeat() -> None:
    drawn = diagram(load("fpg"), Look())

    rows = [[cell.stage for cell in part.plan.cells if not cell.repeated] for part in drawn.in_rows(3)]

    assert rows == [[None, "first", "p0", "p1"], ["p2", "p3"], ["all", "last"]]
    assert [len(part.grid.sweeps) for part in drawn.in_rows(3)] == [4, 4, 4]


def test_cells_are_broken_between_columns_only_where_there_are_fewer_than_rows() -> None:
    drawn = diagram(load("bifpn"), Look(expand=True))

    by_cells, by_columns = ([part.plan for part in drawn.in_rows(rows)] for rows in (3, 4))

    assert [
        len({spot.cell for spot in plan.spots.values() if not spot.repeated and spot.cell}) for plan in by_cells
    ] == [1, 1, 1]
    assert len(by_columns) == 4


def test_rows_for_runs_that_are_drawn_once_are_refused_with_the_way_to_draw_them() -> None:
    with pytest.raises(ValueError, match=r"has columns for 1\n  hint: draw every run, with expand=True \(--expand\)\Z"):
        draw(load("bifpn", repeats=7), rows=2)


def test_a_width_leads_to_as_few_rows_as_can_be_read() -> None:
    narrow, wide = (draw(load("bifpn"), width=width, expand=True) for width in ("3.4in", "7in"))

    assert [len(texts(scene, "heading")) for scene in (narrow, wide)] == [2, 1]


def test_a_page_to_explore_has_every_node_once() -> None:
    text = html.write(draw(load("bifpn"), rows=3))

    assert text.count('data-node="bifpn.0.out7"') == 1
    assert text.count('data-of="bifpn.0.out7"') == 1
