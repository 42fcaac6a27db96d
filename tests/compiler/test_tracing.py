"""What torch.jit.trace records of a neck, and all that uses its tracer, is right at other sizes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import fpngraph
from fpngraph.compiler.compiled import Compiled
from tests.necks import CHANNELS, GRAPHS, maps, neck_of, randomised, shipped
from tests.traces import assert_equal_maps, onnx_session, trace

TRACED = (128, 160)  # pixels of the image
OTHERS = [(97, 150), (191, 257), (33, 64)]
TENSORFLOW = ["bifpn", "pan_effdet", "qufpn"]  # have a parameter for it
CASES = [*((name, "symmetric") for name in GRAPHS), *((name, "same") for name in TENSORFLOW)]
QUICK = [("bifpn", "same"), ("simple_fpn", "symmetric")]
TRACES = [pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow) for case in CASES]

Form = Callable[[fpngraph.Neck], Compiled]


def plain(neck: fpngraph.Neck) -> Compiled:
    return neck


def fused(neck: fpngraph.Neck) -> Compiled:
    return neck.fuse()


# The newer exporter takes each graph fused, with TensorFlow's padding where there is one, and one with both and plain.
MODERN = {(*case, fused) for case in dict(CASES).items()} | {("bifpn", "symmetric", fused), ("bifpn", "same", plain)}
EXPORTS = [
    pytest.param(*case, form, modern, marks=() if case == ("bifpn", "same") and not modern else pytest.mark.slow)
    for case in CASES
    for form in (plain, fused)
    for modern in (False, True)
    if not modern or (*case, form) in MODERN
]


def neck_with(name: str, padding: str) -> fpngraph.Neck:
    padded = {"padding": padding} if padding == "same" else {}
    graph = fpngraph.load(name, **GRAPHS[name], **padded)
    return randomised(fpngraph.build(graph, CHANNELS[: len(graph.inputs)]))


def many(neck: fpngraph.Neck) -> list[list[Tensor]]:
    """Maps for other sizes than the trace's, and some that are no halves of each other, as of backbones that crop."""
    features = [maps(neck, *size, batch=batch, dtype=torch.float64) for batch, size in enumerate(OTHERS, start=1)]
    return [*features, [x[..., index % 2 :, (index + 1) % 2 :] for index, x in enumerate(features[1])]]


@pytest.mark.parametrize("gradients", [False, True], ids=["no_grad", "grad"])
@pytest.mark.parametrize("form", [plain, fused])
@pytest.mark.parametrize(("name", "padding"), TRACES)
def test_a_trace_is_right_at_other_sizes(name: str, padding: str, form: Form, gradients: bool) -> None:
    neck = neck_with(name, padding).double()
    module = form(neck)

    with torch.set_grad_enabled(gradients):
        traced = trace(module, maps(neck, *TRACED, dtype=torch.float64))

    for features in many(neck):
        assert_equal_maps(traced(features), module(features), 1e-13)


@pytest.mark.parametrize("padding", ["symmetric", "same"])
@pytest.mark.parametrize("form", [plain, fused])
def test_a_trace_of_every_resampler_is_right_at_other_sizes(form: Form, padding: str) -> None:
    nodes = """
    max6: {inputs: [P3, P4], resample: {down: {max_pool: {kernel: ratio}}}}
    mean6: {inputs: [P3, P4, P5], resample: {down: {avg_pool: {kernel: ratio}}}}
    conv6: {inputs: [P3, P4, P5], resample: {down: {strided_conv: {kernel: ratio}}}}
    even5: {inputs: [P3, {from: P4, down: {avg_pool: {kernel: 4}}}], resample: {down: {max_pool: {kernel: 2}}}}
    odd5: {inputs: [P3, {from: P4, down: avg_pool}], resample: {down: {strided_conv: {kernel: 5}}}}
    near3: {inputs: [{from: P4, up: deconv}, {from: P5, up: nearest}], op: [{conv: {kernel: 2}}, act]}
    near5: {inputs: [{from: P4, down: bilinear}, {from: P3, down: nearest}], fusion: softmax}
    """.replace("}\n", f", padding: {padding}}}\n")
    outputs = "[max6, mean6, conv6, even5, odd5, near3, near5]"
    neck = neck_of(nodes, outputs=outputs).double()

    traced = trace(form(neck), maps(neck, *TRACED, dtype=torch.float64))

    for features in many(neck):
        assert_equal_maps(traced(features), neck(features), 1e-12)


def test_a_trace_with_gradients_has_those_of_the_neck() -> None:
    neck = shipped("bifpn").double()
    traced = trace(neck, maps(neck, *TRACED, dtype=torch.float64))
    features = maps(neck, *OTHERS[0], dtype=torch.float64)
    parameters = list(neck.parameters())

    found = torch.autograd.grad(torch.stack([y.square().sum() for y in traced(features)]).sum(), parameters)
    expected = torch.autograd.grad(torch.stack([y.square().sum() for y in neck(features)]).sum(), parameters)

    torch.testing.assert_close(found, expected)


def test_a_lean_neck_in_training_is_traced_as_a_plain_one() -> None:
    graph = fpngraph.load("fpn", channels=8)
    lean = randomised(fpngraph.build(graph, CHANNELS, lean=True)).train()
    traced = trace(lean, maps(lean, *TRACED))

    features = maps(lean, *OTHERS[0])

    assert "Recomputed" not in str(traced.inlined_graph)
    assert_equal_maps(traced(features), lean(features), 1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_a_trace_is_right_for_maps_in_another_layout(layout: torch.memory_format) -> None:
    neck = shipped("panet").double()
    module = neck.fuse()
    other = torch.channels_last if layout is torch.contiguous_format else torch.contiguous_format

    traced = trace(module, [x.to(memory_format=layout) for x in maps(neck, *TRACED, dtype=torch.float64)])

    features = [x.to(memory_format=other) for x in maps(neck, *OTHERS[0], dtype=torch.float64)]
    assert_equal_maps(traced(features), module(features), 1e-13)


@pytest.mark.parametrize(("name", "padding", "form", "modern"), EXPORTS)
def test_both_exporters_to_onnx_write_what_is_right_at_other_sizes(
    name: str, padding: str, form: Form, modern: bool
) -> None:
    neck = neck_with(name, padding)
    module = form(neck)
    inputs = [f"in_{name}" for name in neck.in_channels]

    session = onnx_session(module, (maps(neck, 384, 512),), inputs, list(neck.out_channels), modern=modern)

    assert [entry.name for entry in session.get_inputs()] == inputs
    for size in ((333, 501), (191, 257), (513, 300)):
        features = maps(neck, *size, batch=3)
        given = {name: x.numpy() for name, x in zip(inputs, features, strict=True)}
        assert_equal_maps(session.run(None, given), module(features), 1e-5)


def test_fvcore_counts_what_the_graph_costs() -> None:
    counting = pytest.importorskip("fvcore.nn", reason="fvcore is not installed")
    neck = neck_with("bifpn", "same")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fvcore's own
        found = counting.FlopCountAnalysis(neck, (maps(neck, 128, 128, batch=1),)).by_operator()["conv"]

    assert found == fpngraph.cost(neck.source_graph, neck.in_channels, image_size=(128, 128)).macs


def test_tensorboard_draws_a_neck(tmp_path: Any) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from torch.utils.tensorboard import SummaryWriter

    neck = neck_with("bifpn", "same")

    with warnings.catch_warnings(), SummaryWriter(str(tmp_path)) as writer:
        warnings.simplefilter("ignore")  # tensorboard's own
        writer.add_graph(neck, (maps(neck, *TRACED),), use_strict_trace=False)

    (file,) = tmp_path.iterdir()
    assert b"Neck/P3" in file.read_bytes() or b"convolution" in file.read_bytes()


def test_a_trace_is_saved_and_loaded() -> None:
    neck = shipped("qufpn").double()
    module, file = neck.fuse(), io.BytesIO()
    features = maps(neck, *OTHERS[0], dtype=torch.float64)

    traced = trace(module, maps(neck, *TRACED, dtype=torch.float64))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit", FutureWarning)
        warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
        torch.jit.save(traced, file)
        loaded = torch.jit.load(io.BytesIO(file.getvalue()))

    assert_equal_maps(loaded(features), module(features), 1e-13)
