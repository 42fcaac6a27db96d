from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import fpngraph
from fpngraph.feature import Feature, Size
from fpngraph.ops import Cost, Layer, Site
from fpngraph.ops.act import Relu
from tests.equality.effdet_reference import Options, effdet_neck

D0_CHANNELS = (40, 112, 320)
D0_SIZE = (512, 512)

GRAPH = """
fpngraph: 1
name: counted
inputs: C(3..4)
defaults: {channels: 8}
nodes:
  P5: {inputs: [{from: C4, project: always, down: {strided_conv: {kernel: 3}}}]}
  P4: {inputs: [C4, P5], fusion: fast_normalized, op: [separable_conv, norm]}
  P2: {inputs: [P4], op: [{conv: {kernel: 3}}]}
outputs: [P5, P4, P2]
"""


ATTENTIVE = """
fpngraph: 1
name: attentive
inputs: C(3..5)
defaults: {channels: 64}
nodes:
  M(3..5): {inputs: [C(l), M(l+1) | none]}
  P(3..5): {inputs: [M(l)], op: [{conv: {kernel: 3}}, gate_for_costs]}
outputs: P(3..5)
"""


@pytest.fixture
def gate(workshop: Path) -> type[Layer]:
    """A registered layer of ``ATTENTIVE`` that does not say what it costs."""

    @fpngraph.register
    class Gate(Layer):
        name = "gate_for_costs"

        def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
            channels = inputs[0].channels
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, 2 * channels, 1), nn.GLU(1))

    return Gate


def counted_macs(neck: nn.Module, features: list[Tensor]) -> float:
    """MACs as torch counts them while the neck runs."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        neck(features)
    return counter.get_total_flops() / 2


def d0_features() -> list[Tensor]:
    return [torch.randn(1, channels, 512 >> level, 512 >> level) for level, channels in enumerate(D0_CHANNELS, 3)]


def test_costs_of_every_node_by_hand() -> None:
    costs = fpngraph.cost(fpngraph.loads(GRAPH), [3, 4], (100, 60))

    assert {name: (node.size, node.parameters, node.macs) for name, node in costs.nodes.items()} == {
        # 1x1 projection 4 -> 8 with bias on level 4, then 3x3 convolution 8 -> 8 with bias to level 5
        "P5": ((4, 2), (4 * 8 + 8) + (9 * 8 * 8 + 8), 4 * 8 * 7 * 4 + 9 * 8 * 8 * 4 * 2),
        # projection of C4; two weights; depthwise 3x3, pointwise without bias, two numbers per channel of the norm
        "P4": ((7, 4), (4 * 8 + 8) + 2 + (9 * 8 + 8 * 8) + 2 * 8, (4 * 8 + 9 * 8 + 8 * 8) * 7 * 4),
        # level 2 has twice the size of the finest input, 13 x 8
        "P2": ((26, 16), 9 * 8 * 8 + 8, 9 * 8 * 8 * 26 * 16),
    }


def test_totals_are_the_sums_over_the_nodes() -> None:
    costs = fpngraph.cost(fpngraph.loads(GRAPH), [3, 4], 64)

    assert costs.parameters == sum(node.parameters for node in costs.nodes.values())
    assert costs.macs == sum(node.macs for node in costs.nodes.values())


def test_one_number_is_the_side_of_a_square() -> None:
    graph = fpngraph.loads(GRAPH)

    assert fpngraph.cost(graph, [3, 4], 96) == fpngraph.cost(graph, [3, 4], (96, 96))


@pytest.mark.parametrize("image_size", [0, -1, (0, 512), (512, 0), 512.0, (512, 512.0), (3, 512, 512), "64", None])
def test_what_is_no_size_in_pixels_is_refused(image_size: Any) -> None:
    with pytest.raises(ValueError) as caught:
        fpngraph.cost(fpngraph.loads(GRAPH), [3, 4], image_size)

    assert str(caught.value) == f"image_size is {image_size!r}, but must be a side in pixels, or (height, width)"


def test_channels_that_do_not_fit_are_a_graph_error() -> None:
    with pytest.raises(fpngraph.GraphError) as caught:
        fpngraph.cost(fpngraph.loads(GRAPH), [3], 64)

    assert str(caught.value) == "in_channels has 1 numbers, but graph 'counted' has the inputs C3, C4 [in-channels]"


def test_the_neck_of_efficientdet_d0_costs_what_torch_measures_on_effdets() -> None:
    costs = fpngraph.cost(fpngraph.load("bifpn", preset="d0"), D0_CHANNELS, D0_SIZE)
    theirs = effdet_neck(Options(fpn_name="bifpn_fa", fpn_channels=64, fpn_cell_repeats=3), D0_CHANNELS, D0_SIZE).eval()

    assert costs.macs == pytest.approx(counted_macs(theirs, d0_features()), rel=0.01)
    assert costs.parameters == sum(parameter.numel() for parameter in theirs.parameters()) == 194_361


@pytest.mark.parametrize(
    ("params", "parameters"),
    [
        pytest.param({"preset": "d0"}, 194_361, id="d0"),
        # the tf_ models: a bias before every norm
        pytest.param(
            {
                "preset": "d0",
                "padding": "same",
                "op": ["act", {"separable_conv": {"bias": True}}, "norm"],
                "project": {"norm": True, "bias": True},
            },
            196_281,
            id="tf_d0",
        ),
    ],
)
def test_costs_are_those_of_the_compiled_neck(params: dict[str, object], parameters: int) -> None:
    graph = fpngraph.load("bifpn", **params)  # type: ignore[arg-type]

    costs = fpngraph.cost(graph, D0_CHANNELS, D0_SIZE)

    neck = fpngraph.build(graph, D0_CHANNELS).eval()
    assert costs.macs == counted_macs(neck, d0_features())
    assert costs.parameters == sum(parameter.numel() for parameter in neck.parameters()) == parameters


def test_an_operator_that_does_not_say_what_it_costs_is_measured(gate: type[Layer]) -> None:
    graph = fpngraph.loads(ATTENTIVE)

    costs = fpngraph.cost(graph, D0_CHANNELS, D0_SIZE)

    neck = fpngraph.build(graph, D0_CHANNELS).eval()
    assert costs.parameters == sum(parameter.numel() for parameter in neck.parameters())
    assert costs.macs == counted_macs(neck, d0_features())
    assert costs.unknown == {}


def test_what_an_operator_says_wins_over_a_measurement(gate: type[Layer], monkeypatch: pytest.MonkeyPatch) -> None:
    graph = fpngraph.loads(ATTENTIVE)
    measured = fpngraph.cost(graph, D0_CHANNELS, D0_SIZE)
    monkeypatch.setattr(gate, "cost", lambda *_: Cost(macs=7))

    costs = fpngraph.cost(graph, D0_CHANNELS, D0_SIZE)

    assert costs.parameters == measured.parameters
    assert measured.macs is not None
    assert costs.macs == measured.macs - 3 * (64 * 128 - 7)


def test_what_nobody_knows_is_in_no_total_and_counts_as_no_number(
    gate: type[Layer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "build", lambda *_: 1 / 0)

    costs = fpngraph.cost(fpngraph.loads(ATTENTIVE), D0_CHANNELS, D0_SIZE)

    assert (costs.parameters, costs.macs) == (None, None)
    reason = "'gate_for_costs' does not say it: ZeroDivisionError: division by zero"
    assert costs.unknown == {"P5": reason, "P4": reason, "P3": reason}
    assert (costs.nodes["P4"].parameters, costs.nodes["P4"].macs) == (None, None)
    assert costs.nodes["M4"].parameters == 112 * 64 + 64


@pytest.mark.parametrize("says", [False, True])
def test_the_cost_of_a_class_is_not_that_of_another_build(says: bool) -> None:
    class Gated(Relu):
        def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
            return nn.Conv2d(inputs[0].channels, inputs[0].channels, 1)

    class Told(Gated):
        def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
            return Cost(1, 2)

    op = Told() if says else Gated()
    graph = fpngraph.loads(ATTENTIVE.replace("gate_for_costs", "relu"))
    node = graph.nodes["P5"]
    graph = replace(graph, nodes=dict(graph.nodes) | {"P5": replace(node, op=(*node.op[:-1], op))})

    found = fpngraph.cost(graph, D0_CHANNELS, D0_SIZE).nodes["P5"]

    conv = Cost(9 * 64 * 64 + 64, 9 * 64 * 64 * 16 * 16)
    gate = Cost(1, 2) if says else Cost(64 * 64 + 64, 64 * 64 * 16 * 16)
    assert (found.parameters, found.macs) == conv + gate
