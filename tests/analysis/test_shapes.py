"""Channels and levels of every edge and node, and what is said where they do not fit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fpngraph.analysis.shapes import infer, lower
from fpngraph.analysis.steps import node_steps
from fpngraph.errors import GraphError
from fpngraph.feature import Feature
from fpngraph.library import load, loads, shipped
from tests.language.loading import HEAD, graph
from tests.language.strategies import graphs


def refused(body: str, *channels: int) -> list[str]:
    """What is said about a file, on loading it or once the channels of its inputs are known."""
    with pytest.raises(GraphError) as caught:
        infer(loads(HEAD + body), channels)
    return str(caught.value).splitlines()


def features(body: str, *channels: int) -> dict[str, Feature]:
    return infer(graph(body), channels)


NODE = "inputs: P(3..5)\nnodes:\n  a4: {inputs: %s}\noutputs: a4\n"


@pytest.mark.parametrize(
    ("inputs", "channels", "expected"),
    [
        pytest.param("[P4]", [1, 8, 3], 8, id="nothing changes the channels"),
        pytest.param("[P(3..5)]", [8, 8, 8], 8, id="down and up keep them"),
        pytest.param("[P(3..5)], channels: 6", [8, 7, 6], 6, id="projected where they differ"),
        pytest.param("[P(3..5)], fusion: concat", [2, 3, 4], 9, id="concatenated"),
        pytest.param("[P(3..5)], fusion: concat, channels: 5, op: [conv]", [2, 3, 4], 5, id="then convolved"),
        pytest.param(
            "[P4, {from: P5, project: {when: always, channels: 2}}], fusion: concat", [1, 3, 4], 5, id="projected, each"
        ),
        pytest.param("[P4], op: [{conv: {channels: 7}}]", [1, 3, 1], 7, id="channels of a layer"),
        pytest.param(
            "[{from: P3, down: strided_conv}], channels: 9", [4, 1, 1], 9, id="strided to the node's channels"
        ),
        pytest.param(
            "[{from: P3, down: strided_conv}, P4], fusion: concat, op: [conv], channels: 9",
            [4, 3, 1],
            9,
            id="strided to its source's where the fusion takes any",
        ),
    ],
)
def test_the_channels_of_a_node(inputs: str, channels: list[int], expected: int) -> None:
    assert features(NODE % inputs, *channels)["a4"] == Feature(4, expected)


@pytest.mark.parametrize(
    ("edge", "steps"),
    [
        ("P4", []),
        ("P3", ["conv", "max_pool"]),
        ("P5", ["conv", "nearest"]),
        ("{from: P3, order: resample_first}", ["max_pool", "conv"]),
        ("{from: P3, project: {norm: true}}", ["conv", "batch_norm", "max_pool"]),
        ("{from: P4, project: always}", ["conv"]),
        ("{from: P3, down: strided_conv}", ["strided_conv"]),
        ("{from: P3, down: [act, strided_conv, norm]}", ["relu", "strided_conv", "batch_norm"]),
        ("{from: P3, project: always, down: strided_conv}", ["conv", "strided_conv"]),
    ],
)
def test_the_steps_of_an_edge(edge: str, steps: list[str]) -> None:
    lowered = lower(graph(NODE % f"[{edge}], channels: 8"), [4, 8, 16])

    assert [step.op.name for step in lowered.nodes["a4"].edges[0].steps] == steps


def test_a_ratio_is_two_to_the_levels_between() -> None:
    lowered = lower(graph("inputs: [P2, P7]\nnodes:\n  a4: {inputs: [P2, P7]}\noutputs: a4\n"), [8, 8])

    assert [edge.steps[-1].site.ratio for edge in lowered.nodes["a4"].edges] == [4, 8]


MISMATCHES = [
    pytest.param(
        "[P3, P4], fusion: sum",
        [
            "<text>:5:21: node 'a4': the edge from 'P4' brings 16 channels, but 'sum' needs 8, what 'P3' brings "
            "[channels-unequal]",
            "  5 |   a4: {inputs: [P3, P4], fusion: sum}",
            "    |                     ^^",
            "  hint: write 'channels: 8', so that a 1x1 convolution makes them equal, or fuse with 'concat'",
        ],
        id="unequal, and nobody says a number",
    ),
    pytest.param(
        "[P4, {from: P3, project: never}], channels: 16",
        [
            "<text>:5:28: node 'a4': the edge from 'P3' brings 8 channels, but 'sum' needs 16, the node's channels "
            "[channels-unequal]",
            "  5 |   a4: {inputs: [P4, {from: P3, project: never}], channels: 16}",
            "    |                            ^^",
            "  hint: write 'project: auto', so that a 1x1 convolution makes them equal, or fuse with 'concat'",
        ],
        id="never projected",
    ),
    pytest.param(
        "[P3, P4], fusion: concat, channels: 16",
        [
            "<text>:5:3: node 'a4': comes out with 24 channels, but says 'channels: 16' [wrong-channels]",
            "  5 |   a4: {inputs: [P3, P4], fusion: concat, channels: 16}",
            "    |   ^^",
            "  hint: add a convolution to its 'op', such as '{conv: {kernel: 1}}', or write 'channels: 24'",
        ],
        id="concatenated to another number",
    ),
    pytest.param(
        "[P4], op: [{group_norm: {groups: 6}}]",
        [
            "<text>:5:3: node 'a4': 'group_norm' has 6 groups, which do not divide the 16 channels [does-not-fit]",
            "  5 |   a4: {inputs: [P4], op: [{group_norm: {groups: 6}}]}",
            "    |   ^^",
            "  hint: divisors of 16 near 6 are 1, 2, 4, 8",
        ],
        id="groups of a norm",
    ),
    pytest.param(
        "[{from: P3, down: {strided_conv: {groups: 3}}}]",
        [
            "<text>:5:24: node 'a4', edge from 'P3': 'strided_conv' has 3 groups, "
            "which do not divide the 8 channels it takes [does-not-fit]",
            "  5 |   a4: {inputs: [{from: P3, down: {strided_conv: {groups: 3}}}]}",
            "    |                        ^^",
            "  hint: set 'groups' to a divisor of 8",
        ],
        id="groups of an edge",
    ),
    pytest.param(
        "[{from: P4, project: always}]",
        [
            "<text>:5:24: node 'a4', edge from 'P4': a projection needs a number of channels [channels-unknown]",
            "  5 |   a4: {inputs: [{from: P4, project: always}]}",
            "    |                        ^^",
            "  hint: set 'channels' of the node or of 'project'",
        ],
        id="a projection without a number",
    ),
    pytest.param(
        "[P4], op: [separable_conv]",
        [
            "<text>:5:3: node 'a4': 'separable_conv' needs a number of channels [channels-unknown]",
            "  5 |   a4: {inputs: [P4], op: [separable_conv]}",
            "    |   ^^",
            "  hint: set 'channels' of the node or of 'separable_conv'",
        ],
        id="a convolution without a number",
    ),
]


@pytest.mark.parametrize(("inputs", "expected"), MISMATCHES)
def test_a_mismatch_names_both_ends_and_a_way_out(inputs: str, expected: list[str]) -> None:
    assert refused(NODE % inputs, 8, 16, 32) == expected


def test_a_level_that_a_mapping_of_channels_lacks_is_named() -> None:
    assert refused("inputs: P(3..4)\nnodes: {a(3..4): {inputs: [P(l)], channels: {3: 8}}}\noutputs: a4\n", 8, 8)[0] == (
        "<text>:4:45: 'channels' says nothing of level 4, at which node 'a4' is [channels-unknown]"
    )


def test_every_mismatch_is_told_and_what_follows_from_it_is_not() -> None:
    said = refused(
        "inputs: P(3..4)\nnodes:\n"
        "  a4: {inputs: [P3, P4]}\n  b4: {inputs: [a4]}\n  c4: {inputs: [P4, P3]}\noutputs: [b4, c4]\n",
        8,
        16,
    )

    assert [line.partition(": ")[2][:9] for line in said if line.startswith("<text>")] == ["node 'a4'", "node 'c4'"]


def test_members_and_runs_that_say_the_same_say_it_once() -> None:
    said = refused(
        "inputs: P(3..5)\n"
        "stages: {s: {repeat: 2, nodes: {a(3..5): {inputs: [P3, P5]}}, outputs: {P5: a5}}}\noutputs: P5\n",
        8,
        16,
        32,
    )

    assert [line for line in said if line.startswith("<text>")] == [
        "<text>:4:56: node 's.0.a5': the edge from 'P5' brings 32 channels, but 'sum' needs 8, what 'P3' brings "
        "[channels-unequal]"
    ]


INPUTS = "graph 'FPN' has the inputs C2, C3, C4, C5 [in-channels]"


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ([8, 8, 8], f"in_channels has 3 numbers, but {INPUTS}"),
        ([], f"in_channels has 0 numbers, but {INPUTS}"),
        (64, f"in_channels is 64, not a number per input, but {INPUTS}"),
        ("64", f"in_channels is '64', not a number per input, but {INPUTS}"),
        ({"C2": 8}, f"in_channels names C2, but {INPUTS}"),
        ({}, f"in_channels names nothing, but {INPUTS}"),
        (dict.fromkeys(["C2", "C3", "C4", "C6"], 8), f"in_channels names C2, C3, C4, C6, but {INPUTS}"),
        ([8, 8, 8, 0], "in_channels of 'C5' is 0, not a positive integer [in-channels]"),
        ([8, True, 8, 8], "in_channels of 'C3' is True, not a positive integer [in-channels]"),
        ([8, 8, 8.0, 8], "in_channels of 'C4' is 8.0, not a positive integer [in-channels]"),
        ([8, "8", 8, 8], "in_channels of 'C3' is '8', not a positive integer [in-channels]"),
    ],
)
def test_channels_that_are_not_those_of_the_inputs_are_refused(channels: Any, expected: str) -> None:
    with pytest.raises(GraphError) as caught:
        infer(load("fpn"), channels)

    assert str(caught.value) == expected


def test_a_path_is_no_graph() -> None:
    graph: Any = "my.yaml"

    with pytest.raises(TypeError) as caught:
        infer(graph, [8])

    assert str(caught.value) == "graph is a str, not a Graph\n  hint: fpngraph.load(...) makes one of a name or path"


def test_channels_go_by_position_or_by_name() -> None:
    found = load("fpn", channels=8)

    by_name = infer(found, {"C5": 4, "C4": 3, "C3": 2, "C2": 1})

    assert by_name == infer(found, [1, 2, 3, 4])
    assert by_name["C4"] == Feature(4, 3)


# These have nodes of whatever channels come in.
@pytest.mark.parametrize("name", sorted(shipped().keys() - {"asff", "gfpn", "m2det", "simple_fpn", "ssd"}))
def test_every_node_of_a_shipped_graph_is_at_its_level_with_its_channels(name: str) -> None:
    found = load(name)

    inferred = infer(found, [10 * (index + 1) for index in range(len(found.inputs))])

    assert all(node.channels for node in found.nodes.values())
    assert {key: inferred[key] for key in found.nodes} == {
        key: Feature(node.level, node.channels or 0) for key, node in found.nodes.items()
    }


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), st.data())
def test_any_graph_has_channels_at_every_level_or_says_why_not(data: dict[str, Any], draw: st.DataObject) -> None:
    found = loads(data)
    channels = draw.draw(st.lists(st.integers(1, 9), min_size=len(found.inputs), max_size=len(found.inputs)))

    said = ""
    inferred: dict[str, Feature] = {}
    try:
        inferred = infer(found, channels)
    except GraphError as error:
        said = str(error)

    assert said or {name: feature.level for name, feature in inferred.items()} == {
        name: entry.level for name, entry in [*found.inputs.items(), *found.nodes.items()]
    }


@pytest.mark.parametrize("name", ["bifpn", "nas_fpn", "yolov8"])
def test_what_is_lowered_once_for_equal_nodes_is_what_each_has_by_itself(name: str) -> None:
    graph = load(name)

    lowered = lower(graph, [64] * len(graph.inputs))

    for node, found in lowered.nodes.items():
        sources = [lowered.feature(edge.source) for edge in graph.nodes[node].edges]
        assert found == node_steps(graph.nodes[node], sources)


def test_the_runs_of_a_stage_are_lowered_once() -> None:
    nodes = lower(load("bifpn", repeats=3), [64] * 3).nodes

    assert nodes["bifpn.2.td4"].op is nodes["bifpn.1.td4"].op
    assert nodes["bifpn.2.td4"].node.name == "bifpn.2.td4"
    assert [edge.edge.source for edge in nodes["bifpn.2.td4"].edges] == ["bifpn.1.out4", "bifpn.2.td5"]
