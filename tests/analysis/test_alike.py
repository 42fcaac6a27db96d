"""Nodes that do the same, members of a family or runs of a stage, are lowered once."""

from __future__ import annotations

import pytest

import fpngraph
from fpngraph.analysis.shapes import InChannels, lower
from fpngraph.analysis.steps import node_steps
from tests.necks import GRAPHS, shipped

FAMILY = """
fpngraph: 1
name: family
inputs: C(3..5)
defaults: {fusion: sum, resample: {up: nearest, down: max_pool}}
nodes:
  A(3..5): {inputs: [C(l), C(l+1) | none], channels: {3: 4, 4: 4, 5: 8}, op: [conv, norm, act]}
outputs: A(3..5)
"""


def assert_as_one_by_one(graph: fpngraph.Graph, in_channels: InChannels) -> None:
    lowered = lower(graph, in_channels)
    for name, node in graph.nodes.items():
        assert lowered.nodes[name] == node_steps(node, [lowered.feature(edge.source) for edge in node.edges])


@pytest.mark.parametrize("name", GRAPHS)
def test_nodes_of_a_shipped_graph_are_lowered_as_one_by_one(name: str) -> None:
    neck = shipped(name)

    assert_as_one_by_one(neck.source_graph, neck.in_channels)


def test_members_that_differ_in_what_a_level_decides_have_steps_of_their_own() -> None:
    assert_as_one_by_one(fpngraph.loads(FAMILY), [4, 4, 4])


def test_runs_of_a_stage_share_their_steps() -> None:
    nodes = lower(fpngraph.load("bifpn", repeats=3), [40, 112, 320]).nodes

    assert nodes["bifpn.1.td4"].op is nodes["bifpn.2.td4"].op
