"""Graphs in which the router must do what no shipped graph asks of it."""

from __future__ import annotations

from fpngraph import Graph, loads
from fpngraph.drawing.formats import svg
from fpngraph.drawing.picture.assemble import assembled
from fpngraph.drawing.picture.diagram import Diagram, Look, diagram
from tests.drawing.accepted import assert_clear_of_nodes
from tests.drawing.graphs import ALL_TO_ALL
from tests.drawing.reading import Picture

# In the last run, nodes stand where there are none in the run before.
OTHER_NEIGHBOURS = """
fpngraph: 1
name: other neighbours
inputs: P(3..6)
defaults: {channels: 8}
stages:
  run:
    repeat: 3
    nodes:
      first6: {inputs: [P3, P5]}
      second6: {inputs: [first6]}
      only4: {inputs: [P5]}
      only5: {inputs: [second6]}
      only3: {inputs: [second6]}
    outputs: {P3: only3, P4: only4, P5: only5, P6: first6}
outputs: P(3..6)
"""
TWO_SKIPS = """
fpngraph: 1
name: two skips of one source
inputs: P(3..5)
defaults: {channels: 8}
nodes:
  a5: {inputs: [P3]}
  b3: {inputs: [P4]}
  c4: {inputs: [b3]}
  d3: {inputs: [a5]}
  e4: {inputs: [c4, P3, d3]}
outputs: {out: e4}
"""


def drawn(text: str) -> Diagram:
    graph: Graph = loads(text)
    return diagram(graph, Look(expand=True))


def test_an_edge_keeps_clear_of_nodes_in_every_run_that_it_stands_for() -> None:
    assert_clear_of_nodes(Picture(svg.write(assembled(drawn(OTHER_NEIGHBOURS)))))


def test_bent_edges_of_one_source_and_direction_begin_as_one_trunk() -> None:
    trunks: dict[tuple[str, str], set[tuple[float, float]]] = {}
    for route in drawn(TWO_SKIPS).routes:
        points = route.curve.flat()
        if route.link and len(points) > 2:
            trunks.setdefault((route.source, route.link.direction), set()).add(points[1])

    assert trunks
    assert all(len(starts) == 1 for starts in trunks.values())


def test_a_tip_that_makes_room_for_others_comes_near_no_node() -> None:
    assert_clear_of_nodes(Picture(svg.write(assembled(diagram(loads(ALL_TO_ALL), Look(labels="none"))))))
