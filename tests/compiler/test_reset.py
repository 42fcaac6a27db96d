"""A neck whose memory holds anything gets the graph's initial weights, whoever's operators its modules are of."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import ClassVar

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

import fpngraph
from fpngraph.feature import Feature
from fpngraph.layers.fusion.weighted import FastNormalized
from tests.necks import CHANNELS, GRAPHS, shipped

MANY = """
fpngraph: 1
name: many
inputs: P(3..4)
defaults: {channels: 8, fusion: softmax, resample: {up: deconv, down: strided_conv}}
nodes:
  A4: {inputs: [P4, P3], op: [separable_conv, {layer_norm: {}}, relu, {conv: {kernel: 2}}], padding: same}
  A3: {inputs: [P3, A4], op: [{conv: {groups: 2}}, {group_norm: {groups: 2}}], init: torchvision}
outputs: [A3, A4]
"""


def anew(seed: int = 3) -> fpngraph.Neck:
    torch.manual_seed(seed)
    return fpngraph.build(fpngraph.loads(MANY), [8, 8])


def assert_equal_tensors(neck: nn.Module, other: nn.Module) -> None:
    ours, theirs = everything(neck), everything(other)
    assert ours.keys() == theirs.keys()
    assert [name for name, tensor in ours.items() if not torch.equal(tensor, theirs[name])] == []


def everything(module: nn.Module) -> dict[str, torch.Tensor]:
    return dict(module.named_parameters()) | dict(module.named_buffers())


def spoil(module: nn.Module) -> None:
    with torch.no_grad():
        for tensor in everything(module).values():
            tensor.fill_(float("nan") if tensor.is_floating_point() else 99)


@pytest.mark.parametrize("lean", [False, True], ids=["plain", "lean"])
@pytest.mark.parametrize("name", GRAPHS)
def test_a_spoilt_neck_becomes_one_that_is_built_anew(name: str, lean: bool) -> None:
    graph = shipped(name).source_graph
    torch.manual_seed(3)
    expected = fpngraph.build(graph, CHANNELS[: len(graph.inputs)], lean=lean)
    neck = copy.deepcopy(expected)
    before = everything(neck)
    spoil(neck)

    torch.manual_seed(3)
    neck.reset_parameters()

    assert_equal_tensors(neck, expected)
    assert all(tensor is before[tensor_name] for tensor_name, tensor in everything(neck).items())


def test_a_neck_of_the_other_layers_becomes_one_that_is_built_anew() -> None:
    neck = anew(0)
    spoil(neck)

    torch.manual_seed(3)
    neck.reset_parameters()

    assert_equal_tensors(neck, anew())


def test_a_neck_without_memory_gets_some_and_its_weights() -> None:
    with torch.device("meta"):
        neck = anew()
    neck.to_empty(device="cpu")
    spoil(neck)

    torch.manual_seed(3)
    neck.reset_parameters()

    assert_equal_tensors(neck, anew())


def test_a_neck_on_the_meta_device_stays_there() -> None:
    with torch.device("meta"):
        neck = anew()
        neck.reset_parameters()

    assert {tensor.device.type for tensor in everything(neck).values()} == {"meta"}


def test_a_neck_with_memory_is_reset_whatever_device_new_tensors_are_on() -> None:
    neck = anew(0)
    spoil(neck)

    torch.manual_seed(3)
    with torch.device("meta"):
        neck.reset_parameters()

    assert_equal_tensors(neck, anew())


def test_types_modes_and_what_is_trained_stay() -> None:
    neck = anew(0).to(torch.bfloat16).eval()
    neck.A3.fusion.weight.requires_grad_(False)
    spoil(neck)

    torch.manual_seed(3)
    neck.reset_parameters()

    assert_equal_tensors(neck, anew().to(torch.bfloat16))
    assert not neck.training
    assert [name for name, p in neck.named_parameters() if not p.requires_grad] == ["A3.fusion.weight"]


def test_a_norm_of_a_host_in_the_place_of_the_graphs_is_reset_too() -> None:
    neck = nn.SyncBatchNorm.convert_sync_batchnorm(shipped("bifpn"))
    spoil(neck)

    neck.reset_parameters()

    norms = [part for part in neck.modules() if isinstance(part, nn.SyncBatchNorm)]
    assert norms
    assert all(torch.equal(norm.running_var, torch.ones_like(norm.running_var)) for norm in norms)
    assert {int(norm.num_batches_tracked) for norm in norms} == {0}


class _Levels(nn.Module):
    """Somebody's module: without reset_parameters, with a buffer that no state dict has."""

    table: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.randn(channels, 1, 1))
        self.register_buffer("table", torch.arange(channels).view(-1, 1, 1), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale + self.table


class _OwnLayer(fpngraph.Layer):
    name: ClassVar[str] = "own_levels"

    def build(self, inputs: tuple[Feature, ...], site: fpngraph.Site) -> nn.Module:
        return _Levels(inputs[0].channels)


@pytest.mark.usefixtures("workshop")
def test_an_operator_of_ones_own_needs_no_rule_for_it() -> None:
    fpngraph.register(_OwnLayer)
    graph = fpngraph.loads(MANY.replace("separable_conv", "own_levels"))
    torch.manual_seed(3)
    expected = fpngraph.build(graph, [8, 8])
    neck = copy.deepcopy(expected)
    spoil(neck)

    torch.manual_seed(3)
    neck.reset_parameters()

    assert_equal_tensors(neck, expected)


def put_in(neck: fpngraph.Neck) -> None:
    neck.A4.op.append(nn.PReLU())


def taken_out(neck: fpngraph.Neck) -> None:
    del neck.A4.op[3]


def widened(neck: fpngraph.Neck) -> None:
    neck.A3.op[0] = nn.Conv2d(8, 16, 3)


def parametrized(neck: fpngraph.Neck) -> None:
    parametrizations.weight_norm(neck.A3.op[0])


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (put_in, "'A4.op.4.weight' is [1], there missing"),
        (taken_out, "'A4.op.conv.weight' is missing, there [8, 8, 2, 2]"),
        (widened, "'A3.op.conv.weight' is [16, 8, 3, 3], there [8, 4, 3, 3]"),
        (parametrized, "'A3.op.conv.weight' is missing, there [8, 4, 3, 3]"),
    ],
    ids=["put in", "taken out", "widened", "parametrized"],
)
def test_modules_that_are_no_longer_the_graphs_are_refused_before_anything_changes(
    edit: Callable[[fpngraph.Neck], None], found: str
) -> None:
    neck = anew()
    edit(neck)
    before = copy.deepcopy(neck.state_dict())

    with pytest.raises(ValueError) as caught:
        neck.reset_parameters()

    assert str(caught.value) == (
        f"the neck is not as its graph builds it: {found}\n"
        "  hint: undo what was done to its modules (pruning, parametrizations, layers put in), or build it anew"
    )
    assert all(torch.equal(tensor, before[name]) for name, tensor in neck.state_dict().items())


def test_every_module_with_parameters_of_its_own_can_be_reset_alone() -> None:
    necks = [shipped("bifpn"), anew()]
    leaves = [part for neck in necks for part in neck.modules() if list(part.parameters(recurse=False))]

    without = {type(leaf).__name__ for leaf in leaves if not hasattr(leaf, "reset_parameters")}

    assert without == set()


def test_weights_of_a_fusion_are_1_again() -> None:
    fusion = FastNormalized(3)
    spoil(fusion)

    fusion.reset_parameters()

    assert fusion.weight.tolist() == [1, 1, 1]
