"""Which nodes of a lean neck run again: those that spare memory so, in every graph that there is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.bench.memory import peak_bytes
from fpngraph.compiler.keeping import recomputed, spared
from fpngraph.compiler.neck import Neck
from fpngraph.layers.layout import Layers
from fpngraph.layers.lean import LeanNode
from fpngraph.library import shipped
from tests.necks import CHANNELS

GRAPHS = [
    "bifpn",
    "deeplabv3p",
    "fpn",
    "libra",
    "nasfcos_fpn",
    "panet",
    "retinanet_fpn",
    "semantic_fpn",
    "simple_fpn",
    "ssd",
]
GRAPHS += ["sta", "yolov3", "yolov8"]
"""Some that gain, and those that come nearest to losing: of all that are shipped, none held more than 1.02."""


class Reads(nn.Module):
    """Looks at numbers of its map, which there are none of on the device meta."""

    def forward(self, x: Tensor) -> Tensor:
        return x * float(x.amax() > 0)


def lean_nodes(neck: Neck) -> list[str]:
    return [name for name in neck.source_graph.nodes if isinstance(neck.get_submodule(name), LeanNode)]


def test_nodes_of_coarse_levels_are_plain_and_those_of_fine_ones_run_again() -> None:
    neck = fpngraph.build(fpngraph.load("bifpn", repeats=2, channels=64), CHANNELS[:3], lean=True)

    lean = lean_nodes(neck)

    assert {"bifpn.0.td3", "bifpn.0.td4", "bifpn.0.out4", "bifpn.1.td3"} <= set(lean)
    assert not [name for name in lean if name.endswith(("6", "7"))]


def test_no_node_runs_again_where_it_would_keep_nothing_but_the_maps_that_it_is_given() -> None:
    assert lean_nodes(fpngraph.build(fpngraph.load("retinanet_fpn"), CHANNELS[:3], lean=True)) == []


def test_no_node_runs_again_where_it_lets_go_of_a_map_that_is_larger_than_what_it_keeps() -> None:
    graph = fpngraph.loads("""
        fpngraph: 1
        name: halved
        inputs: {C3: 3}
        defaults: {channels: 32, norm: batch_norm}
        nodes:
          P4: {inputs: [{from: C3, down: nearest}], op: [conv, norm]}
          N4: {inputs: [P4], op: [conv, norm]}
        outputs: [N4]
        """)

    assert lean_nodes(fpngraph.build(graph, [32], lean=True)) == ["N4"]


def test_every_node_runs_again_where_one_cannot_run_without_numbers() -> None:
    neck = fpngraph.build(fpngraph.load("retinanet_fpn"), CHANNELS[:3], init=False)
    neck.get_submodule("P5").op = Layers([Reads()])

    assert recomputed(lambda: neck) == frozenset(neck.source_graph.nodes)


def test_a_lean_neck_has_the_weights_of_a_plain_one_and_draws_as_many() -> None:
    found = []
    for lean in (False, True):
        torch.manual_seed(0)
        neck = fpngraph.build(fpngraph.load("bifpn", repeats=1), CHANNELS[:3], lean=lean)
        found.append([*neck.state_dict().values(), torch.rand(1)])

    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, lambda: torch.device("meta")])
def test_it_does_not_depend_on_what_a_caller_has_set(mode: Callable[[], AbstractContextManager[object]]) -> None:
    graph = fpngraph.load("bifpn", repeats=1)
    usual = lean_nodes(fpngraph.build(graph, CHANNELS[:3], lean=True))

    with mode():
        neck = fpngraph.build(graph, CHANNELS[:3], lean=True)

    assert lean_nodes(neck) == usual != []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_shipped_graph_is_looked_at_without_numbers(name: str) -> None:
    graph = fpngraph.load(name)

    bytes_ = spared(fpngraph.build(graph, [32] * len(graph.inputs), init=False))

    assert list(bytes_) == list(graph.nodes)


@pytest.mark.slow
@pytest.mark.parametrize("name", GRAPHS)
def test_a_step_of_a_lean_neck_holds_no_more_than_one_of_a_plain_neck(name: str) -> None:
    graph = fpngraph.load(name)
    channels = {key: 32 << min(max(entry.level - 2, 0), 3) for key, entry in graph.inputs.items()}
    plain, lean = (fpngraph.build(graph, channels, lean=lean) for lean in (False, True))
    maps = [
        torch.randn(2, channels[key], 256 >> entry.level, 256 >> entry.level, requires_grad=True)
        for key, entry in graph.inputs.items()
    ]

    assert held(lean, maps) < 1.03 * held(plain, maps)


def held(neck: Neck, maps: list[Tensor]) -> int:
    """Bytes of a step from no gradients on, in which a loss follows each output."""
    for leaf in maps:
        leaf.grad = None

    def step() -> None:
        torch.stack([y.square().mean() for y in neck.train()(maps)]).sum().backward()

    return peak_bytes(step, [*maps, *neck.parameters(), *neck.buffers()])
