"""What a benchmark works out from what it measures, and which forms it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib import util
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.bench import report
from fpngraph.bench.forms import Form, compiled, eager
from fpngraph.bench.report import Peer, measure
from fpngraph.bench.runtimes import aot_inductor, onnx_runtime, onnx_runtime_dynamic, openvino
from fpngraph.bench.subject import Setting, of_neck
from fpngraph.cli.commands import bench
from fpngraph.exporting import onnx
from fpngraph.exporting.torch_export import torch_is_too_old

GRAPH = """
fpngraph: 1
name: two
inputs: [C3, C4]
defaults: {channels: 8}
nodes:
  P4: {inputs: [C4]}
  P3: {inputs: [C3, P4], op: [{conv: {kernel: 3}}]}
outputs: [P3, P4]
"""


def small_neck() -> fpngraph.Neck:
    return fpngraph.build(fpngraph.loads(GRAPH), [4, 6]).eval()


def untold(what: str, share: float) -> None:
    """A progress that nobody watches."""


class Off(nn.Module):
    """What a neck gives, times a factor."""

    def __init__(self, neck: nn.Module, factor: float) -> None:
        super().__init__()
        self.neck, self.factor = neck, factor

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        return [x * self.factor for x in self.neck(maps)]


@pytest.mark.parametrize(("factor", "off"), [(1.1, "1.0e-01"), (float("nan"), "nan")], ids=["another", "not a number"])
def test_a_peer_that_gives_something_else_is_not_measured(factor: float, off: str) -> None:
    neck = small_neck()
    setting = Setting(image_size=(64, 64), rounds=1, forms=("eager",))

    with pytest.raises(ValueError) as caught:
        measure(of_neck(neck, setting), setting, peer=Peer("peer", Off(neck, factor)), progress=untold)

    assert str(caught.value) == f"peer gives another output 0 than the plain form: off by {off} of its largest value"


def test_a_neck_that_gives_zeros_is_measured() -> None:
    neck = small_neck()
    for x in neck.parameters():
        nn.init.zeros_(x)
    setting = Setting(image_size=(64, 64), rounds=2, forms=("eager",))

    report = measure(of_neck(neck, setting), setting, peer=Peer("peer", Off(neck, 2)), progress=untold)

    assert [row["form"] for row in report["forms"]] == ["peer", "eager"]


@pytest.mark.parametrize("batch", [1, 3])
def test_times_are_told_beside_their_floor_and_multiply_accumulates_are_of_an_image(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interleaved(calls: Mapping[Any, Any], **rest: Any) -> Iterator[dict[Any, float]]:
        for _ in range(2):
            yield {key: 2.0 if "floor" in key else 5.0 for key in calls}

    monkeypatch.setattr(report, "interleaved", interleaved)
    neck = small_neck()
    setting = Setting(image_size=(64, 64), batch=batch, rounds=1, forms=("eager",))

    for counted in (of_neck(neck, setting), replace(of_neck(neck, setting), macs=None)):
        found = measure(counted, setting, progress=untold)

        assert found["macs"] == 8 * 8 * (4 * 8 + 8 * 8 * 9) + 4 * 4 * 6 * 8
        assert found["floor_milliseconds"]["median"] == 2.0
        assert [row["of_floor"] for row in found["forms"]] == [2.5]


def test_operators_are_those_of_a_later_call_and_views_cost_nothing() -> None:
    class Warms(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table: Tensor | None = None

        def forward(self, maps: list[Tensor]) -> list[Tensor]:
            if self.table is None:
                self.table = torch.ones(3).exp().log()
            return [maps[0].relu().permute(0, 2, 3, 1) + 1]

    with torch.inference_mode():
        form = eager("warm", Warms(), [torch.ones(1, 2, 3, 3)])

    assert form.operators == 2


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "find_spec", lambda name: None if name == "onnxruntime" else util.find_spec(name))

    form = onnx_runtime("onnxruntime", small_neck(), [torch.zeros(1, 4, 8, 8), torch.zeros(1, 6, 4, 4)])

    assert form.call is None
    assert form.reason == "the package 'onnxruntime' is not installed; pip install 'fpngraph[onnx]'"


def maps_of(pixels: int) -> list[Tensor]:
    return [torch.randn(1, 4, pixels, pixels), torch.randn(1, 6, pixels // 2, pixels // 2)]


needs_onnx = pytest.mark.skipif(torch_is_too_old() is not None, reason=str(torch_is_too_old()))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(onnx_runtime, id="onnxruntime", marks=needs_onnx),
        pytest.param(onnx_runtime_dynamic, id="onnxruntime-dynamic", marks=needs_onnx),
        pytest.param(openvino, id="openvino", marks=needs_onnx),
        pytest.param(aot_inductor, id="aotinductor", marks=pytest.mark.slow),
    ],
)
def test_a_runtime_gives_what_the_neck_gives(make: Callable[..., Form]) -> None:
    fused, maps = small_neck().fuse(), maps_of(8)

    with torch.inference_mode():
        form = make("it", fused, maps)

    assert form.reason is None
    assert form.call is not None
    got: Any = form.call()
    for y, expected in zip(got, fused(maps), strict=True):
        torch.testing.assert_close(torch.as_tensor(y), expected, rtol=1e-5, atol=1e-5)


@needs_onnx
def test_what_a_runtime_does_not_take_is_told_in_a_line() -> None:
    neck = fpngraph.build(fpngraph.load("bifpn", channels=8, repeats=1, padding="same"), [4, 6, 8]).eval()
    maps = [torch.randn(1, channels, 2 * side, 3 * side) for channels, side in ((4, 8), (6, 4), (8, 2))]

    form = openvino("openvino", neck.fuse(), maps)

    assert form.call is None
    assert str(form.reason).startswith("it takes no such model: ")


def test_the_form_for_one_size_runs_straight_code_and_says_where_there_is_none() -> None:
    neck, setting = small_neck(), Setting(image_size=(64, 64), rounds=2, forms=("fused", "sized"))

    fused, sized = measure(of_neck(neck, setting), setting, progress=untold)["forms"]
    neck.get_submodule("P3.op.conv").register_forward_hook(lambda module, given, y: y)
    _, refused = measure(of_neck(neck, setting), setting, progress=untold)["forms"]

    assert sized["operators"] == fused["operators"]
    assert sized["peak_bytes"] == fused["peak_bytes"]
    assert refused["milliseconds"] is None
    assert refused["reason"].startswith("this neck has no form for given sizes: 'P3.op.0' has a forward hook")


def test_compiled_necks_that_take_turns_keep_their_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.utils import counters

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    necks = [small_neck().fuse(), fpngraph.build(fpngraph.load("fpn", channels=8), [4, 4, 4, 4]).eval().fuse()]
    maps = [maps_of(8), [torch.randn(1, 4, side, side) for side in (16, 8, 4, 2)]]

    with torch.inference_mode(), torch._dynamo.config.patch(recompile_limit=1):
        calls = [compiled("compiled", neck, own).call for neck, own in zip(necks, maps, strict=True)]
        made = counters["stats"]["unique_graphs"]
        for call in calls * 2:
            assert call is not None
            call()

    assert counters["stats"]["unique_graphs"] == made


def test_the_command_names_every_form() -> None:
    assert bench._FORMS == report.FORMS


def test_several_necks_take_turns_and_each_has_its_own_report() -> None:
    necks = [small_neck(), fpngraph.build(fpngraph.load("fpn", channels=8), [4, 4, 4, 4]).eval()]
    setting = Setting(image_size=(64, 64), rounds=2, forms=("eager", "fused"))
    told: list[float] = []

    found = report.measure_all(
        [of_neck(neck, setting) for neck in necks],
        setting,
        peers=[None, None],
        progress=lambda what, share: told.append(round(share, 3)),
    )

    assert [it["graph"] for it in found] == [neck.source_graph.name for neck in necks]
    assert [[row["form"] for row in it["forms"]] for it in found] == [["eager", "fused"]] * 2
    assert all(row["milliseconds"]["least"] > 0 for it in found for row in it["forms"])
    assert all(it["floor_milliseconds"]["least"] > 0 for it in found)
    assert told == sorted(told)
    assert told[-1] <= 1
