"""A neck that is built without weights computes nothing until it has them all."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import ClassVar

import pytest
import torch
from torch import nn

import fpngraph
from fpngraph.compiler.blank import without_numbers
from fpngraph.feature import Feature
from tests.necks import CHANNELS, GRAPHS, shipped


def undrawn(graph: fpngraph.Graph, *, lean: bool = False) -> fpngraph.Neck:
    return fpngraph.build(graph, CHANNELS[: len(graph.inputs)], lean=lean, init=False)


def on_meta(graph: fpngraph.Graph, *, lean: bool = False) -> fpngraph.Neck:
    with torch.device("meta"):
        return fpngraph.build(graph, CHANNELS[: len(graph.inputs)], lean=lean)


WAYS = pytest.mark.parametrize("blank", [undrawn, on_meta])
Blank = Callable[..., fpngraph.Neck]


def tensors(module: nn.Module) -> Iterator[torch.Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def maps(neck: fpngraph.Neck, device: str = "cpu") -> list[torch.Tensor]:
    torch.manual_seed(0)
    levels = [entry.level for entry in neck.source_graph.inputs.values()]
    sides = [2 ** (max(levels) - level + 1) for level in levels]
    given = zip(neck.in_channels.values(), sides, strict=True)
    return [torch.randn(2, channels, side, side, device=device) for channels, side in given]


@WAYS
@pytest.mark.parametrize("name", GRAPHS)
def test_a_neck_without_weights_is_the_whole_one_once_they_are_loaded(name: str, blank: Blank) -> None:
    whole = shipped(name).eval()
    neck = blank(whole.source_graph)
    assert all(tensor.is_meta for tensor in tensors(neck))

    neck.load_state_dict(whole.state_dict(), assign=True)

    assert not any(tensor.is_meta for tensor in tensors(neck))
    assert all(parameter.requires_grad for parameter in neck.parameters())
    given = maps(whole)
    with torch.no_grad():
        for y, expected in zip(neck.eval()(given), whole(given), strict=True):
            assert torch.equal(y, expected)
    assert neck.fuse().unfolded == whole.fuse().unfolded


@WAYS
@pytest.mark.parametrize("name", GRAPHS)
def test_a_neck_without_weights_refuses_maps_and_fusing(name: str, blank: Blank) -> None:
    neck = blank(shipped(name).source_graph)
    first = next(name for name, _ in neck.named_parameters())

    for call in (
        lambda: neck(maps(neck)),
        lambda: neck(dict(zip(neck.in_channels, maps(neck), strict=True))),
        lambda: neck(None),
        neck.fuse,
    ):
        with pytest.raises(RuntimeError, match="device meta") as raised:
            call()
        assert str(raised.value).startswith(f"tensors of the neck are on the device meta, without numbers: {first!r}")


def test_a_neck_whose_weights_accelerate_leaves_out_refuses_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    register = nn.Module.register_parameter

    def registered(self: nn.Module, name: str, weight: nn.Parameter | None) -> None:  # as its init_empty_weights has it
        register(self, name, weight)
        if weight is not None:
            self._parameters[name] = nn.Parameter(weight.to("meta"))

    with monkeypatch.context() as patched:
        patched.setattr(nn.Module, "register_parameter", registered)
        neck = fpngraph.build(fpngraph.load("fpn", channels=8), CHANNELS[:4])

    with torch.no_grad(), pytest.raises(RuntimeError, match="device meta"):
        neck(maps(neck))


@WAYS
def test_a_neck_without_the_statistics_of_its_norms_refuses_maps_too(blank: Blank) -> None:
    whole = shipped("bifpn")
    neck = blank(whole.source_graph).eval()
    neck.load_state_dict(dict(whole.named_parameters()), strict=False, assign=True)
    first = next(name for name, _ in neck.named_buffers())

    with pytest.raises(RuntimeError, match="device meta") as raised:
        neck(maps(neck))
    assert repr(first) in str(raised.value)


@WAYS
def test_a_neck_with_some_weights_refuses_maps_too(blank: Blank) -> None:
    whole = shipped("fpn")
    neck = blank(whole.source_graph)
    state = whole.state_dict()
    lacking = list(state)[-1]
    del state[lacking]
    neck.load_state_dict(state, assign=True, strict=False)

    with pytest.raises(RuntimeError) as raised:
        copy.deepcopy(neck)(maps(neck))

    assert str(raised.value) == (
        f"tensors of the neck are on the device meta, without numbers: {lacking!r}\n"
        "  hint: neck.load_state_dict(state, assign=True), or neck.to_empty(device=...) and neck.reset_parameters()"
    )


@WAYS
@pytest.mark.parametrize("lean", [False, True], ids=["plain", "lean"])
def test_a_neck_without_weights_works_out_the_sizes_of_its_outputs(blank: Blank, lean: bool) -> None:
    neck, whole = blank(shipped("fpn").source_graph, lean=lean), shipped("fpn")

    found = neck(maps(neck, "meta"))

    assert [y.shape for y in found] == [y.shape for y in whole(maps(whole))]


@WAYS
def test_a_neck_without_weights_gets_initial_ones_in_memory_of_its_own(blank: Blank) -> None:
    graph = shipped("bifpn").source_graph
    neck = blank(graph)
    torch.manual_seed(3)
    expected = fpngraph.build(graph, CHANNELS[: len(graph.inputs)])

    neck.to_empty(device="cpu")
    torch.manual_seed(3)
    neck.reset_parameters()

    for ours, theirs in zip(tensors(neck), tensors(expected), strict=True):
        assert torch.equal(ours, theirs)
    assert neck(maps(neck))


@WAYS
def test_load_from_and_load_matching_refuse_a_neck_without_weights(blank: Blank) -> None:
    whole = shipped("bifpn")
    neck = blank(whole.source_graph)

    with pytest.raises(ValueError, match="device meta"):
        fpngraph.load_matching(neck, whole.state_dict())


class _Attends(nn.Module):
    """Somebody's module, which draws in its own way and has a table that no state dict has."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(channels, 1)
        self.scale = nn.Parameter(torch.randn(channels), requires_grad=False)
        self.register_buffer("table", torch.arange(channels), persistent=False)


class _OwnLayer(fpngraph.Layer):
    name: ClassVar[str] = "attends"

    def build(self, inputs: tuple[Feature, ...], site: fpngraph.Site) -> nn.Module:
        return _Attends(inputs[0].channels)


@pytest.mark.usefixtures("workshop")
def test_modules_of_somebodys_operator_have_no_numbers_either() -> None:
    fpngraph.register(_OwnLayer)
    graph = fpngraph.load("bifpn", channels=8, repeats=1, op=["attends"])

    neck = undrawn(graph)

    assert {tensor.device.type for tensor in tensors(neck)} == {"meta"}
    expected = fpngraph.build(graph, CHANNELS[: len(graph.inputs)])
    assert [(n, x.requires_grad, x.shape, x.dtype) for n, x in neck.named_parameters()] == [
        (n, x.requires_grad, x.shape, x.dtype) for n, x in expected.named_parameters()
    ]
    assert [n for n, _ in neck.named_buffers()] == [n for n, _ in expected.named_buffers()]


def test_modules_that_others_make_meanwhile_have_theirs() -> None:
    with without_numbers(), ThreadPoolExecutor(1) as other:
        conv = other.submit(nn.Conv2d, 3, 4, 1).result()
        own = nn.Conv2d(3, 4, 1)

    assert conv.weight.device.type == "cpu"
    assert own.weight.is_meta
    assert not nn.Conv2d(3, 4, 1).weight.is_meta


def test_a_neck_without_weights_takes_less_to_build_than_a_whole_one() -> None:
    graph = shipped("bifpn").source_graph
    channels = CHANNELS[: len(graph.inputs)]

    without, whole = (calls(lambda init=init: fpngraph.build(graph, channels, init=init)) for init in (False, True))

    assert without < whole


def calls(call: Callable[[], object]) -> int:
    """How many functions ``call`` calls, of Python and of C, ours and others."""
    count = 0

    def counted(_frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    call()  # what is done once is done
    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        call()
    finally:
        sys.setprofile(before)
    return count


def test_nothing_is_drawn_for_a_neck_without_weights() -> None:
    graph = shipped("bifpn").source_graph
    before = torch.random.get_rng_state()

    undrawn(graph)

    assert torch.equal(torch.random.get_rng_state(), before)
