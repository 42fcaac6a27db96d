from __future__ import annotations

from fpngraph import loads
from fpngraph.drawing.layout.columns import columns
from fpngraph.drawing.layout.plan import plan

REPEATED = """
fpngraph: 1
name: repeated
inputs: P(3..4)
defaults: {channels: 64, op: [conv, norm, act]}
stages:
  cell:
    repeat: 3
    nodes:
      t(3..4): {inputs: [P(l), t(l+1) | none]}
    outputs: {P(3..4): t(l)}
  fine:
    nodes:
      F2: {inputs: [P3], channels: 32, op: none}
outputs: [F2, P(3..4)]
"""


def test_a_projection_behind_runs_that_are_drawn_once_is_drawn() -> None:
    graph = loads(REPEATED)

    collapsed, expanded = (plan(graph, None, expand=expand) for expand in (False, True))

    assert [(it.source, it.projected) for it in collapsed.links if it.target == "fine.F2"] == [("cell.0.t3", True)]
    assert [(it.source, it.projected) for it in expanded.links if it.target == "fine.F2"] == [("cell.2.t3", True)]


def test_projections_are_drawn_where_a_layer_divides_the_channels_of_an_input() -> None:
    graph = loads("""
fpngraph: 1
name: halves
inputs: C(3..5)
defaults: {channels: 64}
nodes:
  half5: {inputs: [C5], op: [{slice: {index: 0}}, conv]}
  P(3..5): {inputs: [C(l), P(l+1) | half(l)]}
outputs: P(3..5)
""")

    links = plan(graph, None, expand=None).links

    assert {(it.source, it.target) for it in links if it.projected} == {("C3", "P3"), ("C4", "P4"), ("C5", "P5")}


def test_a_column_is_one_sweep_with_one_direction() -> None:
    graph = loads("""
fpngraph: 1
name: sweeps
inputs: C(2..5)
defaults: {channels: 64}
nodes:
  a5: {inputs: [C5]}
  b4: {inputs: [C4, a5]}
  c2: {inputs: [C2]}
  d3: {inputs: [C3, c2]}
outputs: [b4, d3]
""")

    drawn = plan(graph, None, expand=None)
    column = columns(drawn)

    upright = {(column[it.source], it.direction) for it in drawn.links if column[it.source] == column[it.target]}
    assert len(upright) == len({number for number, _ in upright})
