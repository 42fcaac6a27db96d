from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from fpngraph import Graph
from fpngraph.drawing import draw
from fpngraph.drawing.svg import write
from tests.drawing.accepted import (
    assert_clear_of_nodes,
    assert_edges_reach_their_ends,
    assert_every_edge_is_drawn,
    assert_nothing_clipped,
    assert_one_row_per_level,
)
from tests.drawing.graphs import graphs
from tests.drawing.picture import Picture


@pytest.mark.slow
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(graph=graphs())
def test_whatever_the_graph_nothing_is_clipped_or_hidden_or_missing(graph: Graph) -> None:
    text = write(draw(graph))

    picture = Picture(text)
    assert_nothing_clipped(picture)
    assert_clear_of_nodes(picture)
    assert_every_edge_is_drawn(picture, graph)
    assert_edges_reach_their_ends(picture)
    assert_one_row_per_level(picture)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(graph=graphs())
def test_a_graph_is_drawn_the_same_every_time(graph: Graph) -> None:
    assert write(draw(graph)) == write(draw(graph))
