"""A graph with layers that hold layers is trained, exported, counted and edited as any other."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.utils.flop_counter import FlopCounterMode

import fpngraph
from fpngraph.compiler.compiled import Compiled
from fpngraph.ops import registry
from tests.fused_graphs import assert_fused_equals
from tests.necks import maps, neck_of, randomised
from tests.traces import assert_equal_maps, onnx_session, trace

TEXT = """
fpngraph: 1
name: composites
params: {times: 2}
inputs: P(3..5)
defaults:
  channels: 8
  act: silu
  init: effdet
  resample: {up: [nearest, {residual: [conv, norm]}], down: [{strided_conv: {}}, {sum: [[norm], []]}]}
  op:
    - {conv: {kernel: 1}}
    - norm
    - act
    - concat: [[{slice: {index: 0}}], [{slice: {index: 1}}, {repeat: {times: $times, keep: all, layers: [
        {residual: [{conv: {channels: 6}}, norm, act, conv, norm]}]}}]]
    - [{conv: {kernel: 1}}, norm, act]
    - sum: [[conv, norm], [{conv: {kernel: 1}}, norm], [norm]]
nodes:
  td(3..5): {inputs: [P(l), td(l+1) | none]}
  bu(3..5): {inputs: [td(l), bu(l-1) | none], fusion: fast_normalized}
outputs: bu(3..5)
"""
CHANNELS = (6, 8, 10)


def built(*, lean: bool = False, **params: Any) -> fpngraph.Neck:
    return randomised(fpngraph.build(fpngraph.loads(TEXT, **params), CHANNELS, lean=lean))


@pytest.fixture(autouse=True)
def _forgotten_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))


def test_fused_it_gives_the_same_without_a_norm_that_a_convolution_could_take_in() -> None:
    fused = assert_fused_equals(built().double())

    down = {f"bu{level}.edges.bu{level - 1}.sum.0.norm" for level in (4, 5)}
    assert set(fused.unfolded) == down
    assert sum(isinstance(part, nn.BatchNorm2d) for part in fused.modules()) == len(down)


def test_a_lean_neck_learns_the_same() -> None:
    found = []
    for lean in (False, True):
        neck = built(lean=lean).double().train()
        features = [x.requires_grad_() for x in maps(neck, 64, 96, dtype=torch.float64)]
        sum(y.square().mean() for y in neck(features)).backward()
        gradients = [x.grad for x in features] + [parameter.grad for parameter in neck.parameters()]
        found.append((gradients, neck.state_dict()))

    torch.testing.assert_close(found[1], found[0], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("form", [lambda neck: neck, lambda neck: neck.fuse()], ids=["plain", "fused"])
def test_under_autocast_it_computes_in_the_lower_type(form: Any) -> None:
    neck = built()
    module, features = form(neck), maps(neck, 64, 96)

    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        got = module(features)

    with torch.no_grad():
        assert_equal_maps([y.float() for y in got], neck(features), 0.1)


def forms() -> list[Any]:
    return [
        pytest.param(lambda neck: neck, id="plain"),
        pytest.param(lambda neck: neck.fuse(), id="fused"),
    ]


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("form", forms())
def test_an_exported_program_gives_the_same_at_other_sizes(form: Any) -> None:
    module: Compiled = form(built().double())
    opened = {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}

    example = (maps(module, 128, 160, dtype=torch.float64),)
    program = torch.export.export(module, example, dynamic_shapes=([opened] * 3,)).module()

    features = maps(module, 97, 150, batch=3, dtype=torch.float64)
    assert_equal_maps(program(features), module(features), 1e-13)


@pytest.mark.parametrize("form", forms())
def test_a_trace_gives_the_same_at_other_sizes(form: Any) -> None:
    module: Compiled = form(built().double())

    traced = trace(module, maps(module, 128, 160, dtype=torch.float64))

    features = maps(module, 97, 150, batch=3, dtype=torch.float64)
    assert_equal_maps(traced(features), module(features), 1e-13)


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("modern", [False, True], ids=["older exporter", "exporter"])
@pytest.mark.parametrize("form", forms())
def test_onnx_runtime_gives_the_same_at_other_sizes(form: Any, modern: bool) -> None:
    module: Compiled = form(built())
    names = ["P3", "P4", "P5"]

    session = onnx_session(module, (maps(module, 128, 160),), names, list(module.out_channels), modern=modern)

    features = maps(module, 97, 150, batch=3)
    given = {it.name: x.numpy() for it, x in zip(session.get_inputs(), features, strict=True)}
    with torch.no_grad():
        assert_equal_maps(session.run(None, given), module(features), 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("form", forms())
def test_it_is_compiled_as_one_graph(form: Any) -> None:
    module: Compiled = form(built().double())
    features = maps(module, 64, 96, dtype=torch.float64)
    torch.compiler.reset()

    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")

    with torch.no_grad():
        assert_equal_maps(compiled(features), module(features), 1e-12)


def test_parameters_and_macs_are_those_of_the_module() -> None:
    neck = built()
    found = fpngraph.cost(neck.source_graph, CHANNELS, (64, 96))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        neck(maps(neck, 64, 96, batch=1))

    assert found.unknown == {}
    assert found.parameters == sum(parameter.numel() for parameter in neck.parameters())
    assert found.macs == counter.get_total_flops() / 2


def test_the_graphs_initial_weights_come_back() -> None:
    neck = built()
    torch.manual_seed(7)
    fresh = fpngraph.build(neck.source_graph, CHANNELS)

    torch.manual_seed(7)
    neck.reset_parameters()

    torch.testing.assert_close(neck.state_dict(), fresh.state_dict(), rtol=0, atol=0)
    assert set(neck.get_submodule("td3.op.concat.1.repeat.0.residual.norm").state_dict()["weight"].tolist()) == {1.0}


def test_weights_are_carried_over_an_edit_of_a_repeat() -> None:
    found = fpngraph.load_matching(built(times=3), built(times=2).state_dict())

    inside = [name for name in found.missing if ".repeat." in name]
    assert inside
    assert {name.partition(".repeat.")[2].split(".")[0] for name in inside} == {"2"}


class Unsaid(fpngraph.Layer):
    """A convolution that does not say what it costs, or in which layout it takes maps."""

    name: ClassVar[str] = "unsaid"

    def build(self, inputs: Any, site: Any) -> nn.Module:
        return Watched(inputs[0].channels)


class Watched(nn.Conv2d):
    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 1)
        self.seen: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.is_contiguous())
        return super().forward(x.view(x.shape))


class Unmeasured(Unsaid):
    """A product that no counter of torch's knows."""

    name: ClassVar[str] = "unmeasured"

    def build(self, inputs: Any, site: Any) -> nn.Module:
        return Distances()


class Distances(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(2).double()
        return x + torch.cdist(rows, rows).sum().to(x.dtype)


INSIDE = [
    "[conv, {residual: [unsaid]}]",
    "[conv, {sum: [[conv, unsaid], [unsaid, act]]}]",
    "[conv, {concat: [[unsaid], [{concat: [[conv], [unsaid]]}]]}, conv]",
    "[conv, {concat: [[conv], [unsaid, {concat: [[act], []]}]]}, conv]",
    "[conv, {repeat: {times: 2, layers: [unsaid]}}]",
    "[conv, {repeat: {times: 2, keep: all, layers: [conv, unsaid]}}, conv]",
]


@pytest.mark.parametrize("fused", [False, True], ids=["plain", "fused"])
@pytest.mark.parametrize("op", INSIDE)
def test_an_operator_that_does_not_say_its_layout_gets_contiguous_maps_inside_too(op: str, fused: bool) -> None:
    fpngraph.register(Unsaid)
    neck = neck_of(f"a4: {{inputs: [P4, P5], op: {op}}}", outputs="[a4]", channels=8)
    module = neck.fuse() if fused else neck

    module([x.to(memory_format=torch.channels_last) for x in maps(neck, 64, 96)])

    seen = [flag for part in module.modules() if isinstance(part, Watched) for flag in part.seen]
    assert seen
    assert all(seen)


@pytest.mark.parametrize("op", INSIDE)
def test_what_does_not_say_its_costs_is_measured_inside_too(op: str) -> None:
    fpngraph.register(Unsaid)
    neck = neck_of(f"a4: {{inputs: [P4, P5], op: {op}}}", outputs="[a4]", channels=8)
    found = fpngraph.cost(neck.source_graph, [8, 8, 8], (64, 96))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        neck(maps(neck, 64, 96, batch=1))

    assert found.parameters == sum(parameter.numel() for parameter in neck.parameters())
    assert found.macs == counter.get_total_flops() / 2


def test_what_cannot_be_measured_inside_is_unknown_with_its_reason() -> None:
    fpngraph.register(Unmeasured)
    neck = neck_of("a4: {inputs: [P4], op: [conv, {residual: [conv, unmeasured]}]}", outputs="[a4]", channels=8)

    found = fpngraph.cost(neck.source_graph, [8, 8, 8], (64, 96))

    assert found.macs is None
    assert found.parameters == 2 * (8 * 8 * 9 + 8)
    assert list(found.unknown) == ["a4"]
    assert found.unknown["a4"].startswith("'residual' does not say it: ")
