from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fpngraph import Graph
from fpngraph.drawing import draw
from fpngraph.drawing.formats.svg import write
from fpngraph.drawing.layout.grid import Flow
from tests.drawing.accepted import (
    assert_clear_of_nodes,
    assert_edges_reach_their_ends,
    assert_every_edge_is_drawn,
    assert_nothing_clipped,
    assert_one_line_per_level,
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


@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(graph=graphs(), direction=st.sampled_from(get_args(Flow)))
def test_whatever_the_graph_nothing_is_clipped_or_hidden_or_missing(graph: Graph, direction: Flow) -> None:
    scene = draw(graph, direction=direction)

    picture = Picture(write(scene))
    assert_nothing_clipped(picture)
    assert_clear_of_nodes(picture)
    assert_every_edge_is_drawn(picture, graph)
    assert_edges_reach_their_ends(picture)
    assert_one_line_per_level(picture, direction)
    assert_texts_apart(texts(scene, "row", "cell", "heading", "title", "legend", "node"))
    assert_texts_beside_nodes_are_clear(scene, picture)
    assert_texts_on_edges_are_clear(scene, picture, most=3)
    assert_no_two_edges_end_as_one(picture)
    assert_bridges_are_closed(scene, picture)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(graph=graphs())
def test_a_graph_is_drawn_the_same_every_time(graph: Graph) -> None:
    assert write(draw(graph)) == write(draw(graph))
