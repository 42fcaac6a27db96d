"""Copies, pickles and state dicts of a compiled neck."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import nn

import fpngraph
from tests.necks import CHANNELS, GRAPHS, assert_close, maps, shipped


def saved(neck: fpngraph.Neck) -> object:
    file = io.BytesIO()
    torch.save(neck, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda neck: pickle.loads(pickle.dumps(neck)),
    "torch.save": saved,
    "deepcopy-of-pickle": lambda neck: copy.deepcopy(pickle.loads(pickle.dumps(neck))),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
def test_a_copy_is_the_same_neck(way: Callable[[fpngraph.Neck], fpngraph.Neck], mode: bool) -> None:
    neck = shipped("bifpn").train(mode)
    neck.get_parameter("bifpn.0.td6.fusion.weight").requires_grad_(False)
    neck.set_submodule("bifpn.1.out4.op.act", nn.Tanh())
    neck.note = "kept"
    features = maps(neck, 256, 256)

    other = way(neck)

    assert isinstance(other, fpngraph.Neck)
    assert repr(other) == repr(neck)
    assert other.code == neck.code
    assert other.training is mode
    assert [p.requires_grad for p in other.parameters()] == [p.requires_grad for p in neck.parameters()]
    assert [other.note, other.in_channels, other.out_channels, other.out_strides, other.source_graph] == [
        "kept",
        neck.in_channels,
        neck.out_channels,
        neck.out_strides,
        neck.source_graph,
    ]
    assert_close(other.eval()(features), neck.eval()(features), tolerance=0)


@pytest.mark.parametrize("way", [copy.deepcopy, WAYS["pickle"]], ids=["deepcopy", "pickle"])
def test_a_copy_has_weights_and_containers_of_its_own(way: Callable[[fpngraph.Neck], fpngraph.Neck]) -> None:
    neck = shipped("fpn")
    features = maps(neck, 64, 64)
    expected = neck(features)

    other = way(neck)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    other.set_submodule("M5", nn.Identity())

    assert_close(neck(features), expected, tolerance=0)


def test_a_deep_copy_keeps_what_is_shared_with_what_is_copied_along() -> None:
    neck = shipped("fpn")
    neck.note = [neck]
    head = nn.ModuleDict({"neck": neck})
    head["tied"] = neck.get_submodule("M5")

    other = copy.deepcopy(head)

    assert other["tied"] is other["neck"].get_submodule("M5")
    assert other["tied"] is not head["tied"]
    assert other["neck"].note[0] is other["neck"]


@pytest.mark.parametrize("name", GRAPHS)
def test_a_state_dict_carries_all_that_decides_the_outputs(name: str) -> None:
    neck = shipped(name)
    graph = fpngraph.load(name, preset=None, **GRAPHS[name])
    other = fpngraph.build(graph, CHANNELS[: len(graph.inputs)]).eval()
    features = maps(neck, 97, 161)

    other.load_state_dict(neck.state_dict())

    assert_close(other(features), neck(features), tolerance=0)
