"""What an edge brings before anybody has said the channels of the inputs."""

import pytest

from fpngraph.analysis.shapes import infer
from fpngraph.library import loads

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
