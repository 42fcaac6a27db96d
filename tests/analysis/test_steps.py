"""What an edge brings before anybody has said the channels of the inputs, and where a projection stands."""

from contextlib import nullcontext
from dataclasses import replace
from typing import ClassVar

import pytest

from fpngraph.analysis.shapes import infer
from fpngraph.analysis.steps import node_steps
from fpngraph.errors import GraphError
from fpngraph.feature import Feature
from fpngraph.language.explicit import dump
from fpngraph.library import loads
from fpngraph.ops import Layer, Site, operators

GRAPH = """\
fpngraph: 1
name: t
inputs: C(3..5)
nodes:
  P4: {{inputs: [C4, {edge}], channels: 64}}
outputs: P4
"""


@pytest.mark.parametrize(
    "edge",
    [
        pytest.param("{from: C3, project: {when: always, channels: 8}, down: strided_conv}", id="strided-conv-after"),
        pytest.param("{from: C3, down: [{conv: {channels: 24}}, strided_conv]}", id="two-convolutions"),
        pytest.param("{from: C5, project: {channels: 8}, up: [nearest, conv]}", id="convolution-after-up"),
        pytest.param("{from: C3, project: {channels: 64}, order: resample_first}", id="projection-last"),
    ],
)
def test_layers_of_an_edge_count_after_its_projection(edge: str) -> None:
    graph = loads(GRAPH.format(edge=edge))

    features = infer(graph, [16, 32, 48])

    assert features["P4"].channels == 64


@pytest.mark.parametrize(("channels", "keys"), [(8, []), (16, ["project.conv"])])
def test_a_projection_to_channels_of_its_own_is_there_where_they_differ(channels: int, keys: list[str]) -> None:
    node = loads(GRAPH.format(edge="{from: C3, project: {channels: 8}, down: strided_conv}")).nodes["P4"]

    edge = node_steps(node, [Feature(4, 64), Feature(3, channels)]).edges[1]

    assert [step.key for step in edge.steps] == [*keys, "strided_conv"]


def test_a_projection_to_other_channels_is_refused_without_the_inputs_channels() -> None:
    with pytest.raises(ValueError) as caught:
        loads(GRAPH.format(edge="{from: C3, project: {when: always, channels: 8}}"))

    assert str(caught.value) == (
        "<text>:5:28: node 'P4': the edge from 'C3' brings 8 channels, but 'sum' needs 64, the node's channels "
        "[channels-unequal]\n"
        "  5 |   P4: {inputs: [C4, {from: C3, project: {when: always, channels: 8}}], channels: 64}\n"
        "    |                            ^^\n"
        "  hint: write 'channels: 64' in 'project', or leave it out there, or fuse with 'concat'"
    )


LATERAL = """\
fpngraph: 1
name: t
inputs: C(3..5)
defaults: {{resample: {{{said}}}}}
nodes:
  P4: {{inputs: [C(3..5)], {node}}}
outputs: P4
"""
CONVS = "lateral: [act, conv, norm], down: [act, strided_conv], up: [nearest, conv]"


@pytest.mark.parametrize(
    ("said", "node", "channels", "expected"),
    [
        pytest.param(CONVS, "channels: 64", 64, ["relu", "conv", "batch_norm"], id="a convolution gives the channels"),
        pytest.param(
            "lateral: [act, norm]", "channels: 64", 64, ["conv", "relu", "batch_norm"], id="else a projection does"
        ),
        pytest.param(
            "lateral: [act], project: {norm: true}, order: resample_first",
            "channels: 64",
            64,
            ["relu", "conv", "batch_norm"],
            id="in its order",
        ),
        pytest.param(
            f"{CONVS}, project: always",
            "channels: 64",
            64,
            ["conv", "relu", "conv", "batch_norm"],
            id="a projection too",
        ),
        pytest.param(CONVS, "fusion: concat", 32, ["relu", "conv", "batch_norm"], id="what comes in, if any will do"),
    ],
)
def test_layers_of_the_nodes_own_level_take_channels_as_others_do(
    said: str, node: str, channels: int, expected: list[str]
) -> None:
    graph = loads(LATERAL.format(said=said, node=node))

    steps = node_steps(graph.nodes["P4"], [Feature(3, 16), Feature(4, 32), Feature(5, 48)])

    assert steps.edges[1].output == Feature(4, channels)
    assert [step.op.name for step in steps.edges[1].steps] == expected
    assert [step.op.name for step in steps.edges[2].steps if step.op.name == "nearest"] == ["nearest"]


SINGLE = """\
fpngraph: 1
name: t
inputs: C(3..5)
nodes:
  P4: {{channels: 64, {node}}}
outputs: P4
"""
CONV = "op: [act, conv, norm]"


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        pytest.param(f"inputs: [C4], {CONV}", [], id="one input and a convolution"),
        pytest.param("inputs: [C4], op: [norm, separable_conv]", [], id="of another kind"),
        pytest.param("inputs: [C4], op: [{conv: {channels: 8}}, conv]", [], id="the last of two"),
        pytest.param(f"inputs: [C4 | C5], {CONV}", [], id="a fallback to another map"),
        pytest.param(f"inputs: [{{from: C5, up: bilinear}}], {CONV}", ["bilinear"], id="resampled"),
        pytest.param(f"inputs: [C4], resample: {{project: {{norm: true}}}}, {CONV}", [], id="a projection with a norm"),
        pytest.param(f"inputs: [C4], fusion: max, {CONV}", [], id="another fusion without weights"),
        pytest.param(
            f"inputs: [{{from: C3, down: strided_conv}}], {CONV}", ["strided_conv"], id="convolved on its edge already"
        ),
        pytest.param("inputs: [C4]", ["conv"], id="no layers"),
        pytest.param("inputs: [C4], op: [act, norm]", ["conv"], id="layers that keep the channels"),
        pytest.param(f"inputs: [C4], fusion: softmax, {CONV}", ["conv"], id="a weight"),
        pytest.param(f"inputs: [C4], resample: {{project: always}}, {CONV}", ["conv"], id="always"),
        pytest.param(
            f"inputs: [C4], resample: {{project: {{channels: 64}}}}, {CONV}", ["conv"], id="channels of the projection"
        ),
        pytest.param(f"inputs: [C4, C9 | none], {CONV}", ["conv"], id="two inputs, one of which is not there"),
        pytest.param(f"inputs: [C4 | none], {CONV}", ["conv"], id="an input that might not be there"),
        pytest.param(f"inputs: [C(4..4)], {CONV}", ["conv"], id="a range"),
    ],
)
def test_a_node_written_with_one_input_needs_no_projection_in_front_of_a_convolution(
    node: str, expected: list[str]
) -> None:
    graph = loads(SINGLE.format(node=node))

    for found in (graph, loads(dump(graph))):
        made = found.nodes["P4"]
        steps = node_steps(made, [Feature(int(edge.source[1:]), 32) for edge in made.edges])
        assert [step.op.name for step in steps.edges[0].steps] == expected
        assert steps.output == Feature(4, 64)


class Folded(Layer):
    """Takes all channels, and gives a share of them."""

    name: ClassVar[str] = "folded_for_step_tests"

    share: int = 1

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        (feature,) = inputs
        return feature._replace(channels=feature.channels // self.share)


@pytest.mark.parametrize("share", [1, 2, 3])
def test_a_layer_that_keeps_or_divides_the_channels_does_not_give_those_of_the_node(
    share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {(operator.kind, operator.name): operator for operator in operators()}
    monkeypatch.setattr("fpngraph.ops.registry._registry", {**known, ("layer", Folded.name): Folded})
    graph = loads(
        SINGLE.format(node=f"inputs: [C4], op: [{{{Folded.name}: {{share: {share}}}}}, {{conv: {{channels: 64}}}}]")
    )

    # the convolution is what gives them: without it a projection is in front
    node = graph.nodes["P4"]
    alone = replace(node, op=node.op[:1], channels=64)

    assert node_steps(node, [Feature(4, 192)]).edges[0].steps == ()
    with pytest.raises(GraphError, match=f"comes out with {64 // share} channels") if share > 1 else nullcontext():
        assert [step.op.name for step in node_steps(alone, [Feature(4, 192)]).edges[0].steps] == ["conv"]


def test_the_channels_of_such_a_node_are_checked_where_they_are_known() -> None:
    graph = loads(SINGLE.format(node="inputs: [C4], op: [{group_norm: {groups: 12}}, conv]"))

    assert infer(graph, [8, 24, 8])["P4"].channels == 64
    with pytest.raises(ValueError, match=r"^<text>:5:3: node 'P4': 'group_norm' has 12 groups, which do not divide"):
        infer(graph, [8, 32, 8])
