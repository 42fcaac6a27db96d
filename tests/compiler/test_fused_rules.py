"""What the inference form takes together, and what it leaves as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim, export
from torch.utils._python_dispatch import TorchDispatchMode

import fpngraph
from fpngraph.layers.fusion.elementwise import Max
from fpngraph.ops import registry
from tests.necks import maps, neck_of, randomised


class Calls(TorchDispatchMode):
    """Counts the operators that run, but for views."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not func.is_view:
            self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def calls(module: nn.Module, features: Sequence[Tensor]) -> dict[str, int]:
    with torch.no_grad(), Calls() as recorded:
        module(list(features))
    return dict(recorded.counts)


def fused_calls(nodes: str, *, outputs: str = "[out]", inputs: str = "P(3..4)") -> dict[str, int]:
    """What runs for maps that need no other layout."""
    neck = neck_of(nodes, outputs=outputs, inputs=inputs)
    features = [x.to(memory_format=torch.channels_last) for x in maps(neck, 64, 64)]
    fused = neck.fuse()
    for y, expected in zip(fused(features), neck(features), strict=True):
        torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)
    return calls(fused, features)


CASES = [
    pytest.param(
        "out: {inputs: [P3], level: 3, op: [{conv: {kernel: 3}}, norm, norm]}", {"convolution": 1}, id="norms-fold"
    ),
    pytest.param(
        "out: {inputs: [P3], level: 3, op: [{separable_conv: {}}, norm, act]}",
        {"convolution": 1, "addmm": 1, "relu_": 1},
        id="into-the-pointwise-convolution",
    ),
    pytest.param(
        "out: {inputs: [P3], level: 3, op: [norm, act]}",
        {"native_batch_norm": 1, "empty": 1, "relu_": 1},
        id="a-lone-norm-runs-as-it-is",
    ),
    pytest.param("out: {inputs: [P3], level: 3, op: [act]}", {"relu": 1}, id="a-caller-s-map-is-not-written-to"),
    pytest.param(
        "out: {inputs: [P3, P4], level: 4, fusion: softmax, resample: {project: always}}",
        {"addmm": 2, "max_pool2d_with_indices": 1, "add_": 1},
        id="weights-fold-into-projections-through-a-pool",
    ),
    pytest.param(
        "out: {inputs: [P3, P4], level: 4, fusion: softmax}",
        {"max_pool2d_with_indices": 1, "mul": 1, "add_": 1},
        id="without-a-convolution-weights-come-with-the-sum",
    ),
    pytest.param(
        """
        a: {inputs: [P4], level: 4, op: [{conv: {kernel: 1}}]}
        out: {inputs: [P3, a], level: 3, op: [{conv: {kernel: 1}}]}
        """,
        {"addmm": 2, "upsample_nearest2d": 1, "add_": 1},
        id="what-is-resampled-is-added-to-where-nothing-else-can-be",
    ),
    pytest.param(
        """
        a: {inputs: [P4], level: 4, op: [{conv: {kernel: 1}}]}
        out: {inputs: [a, {from: P3, project: always}], level: 3}
        """,
        {"addmm": 2, "add_": 4},
        id="doubled-pixels-are-added-where-they-land",
    ),
    pytest.param(
        """
        a: {inputs: [P3], level: 3, op: [{conv: {kernel: 1}}]}
        b: {inputs: [a, P3], level: 3, op: [act]}
        """,
        {"addmm": 1, "add_": 1, "relu_": 1},
        id="a-dead-map-is-added-to",
    ),
    pytest.param(
        """
        a: {inputs: [P3], level: 3, op: [{conv: {kernel: 1}}]}
        b: {inputs: [a, a], level: 3}
        c: {inputs: [a], level: 3, op: [act]}
        """,
        {"addmm": 1, "add": 1, "relu_": 1},
        id="a-map-that-somebody-still-reads-is-not",
    ),
    pytest.param(
        """
        a: {inputs: [P3], level: 3, op: [{conv: {kernel: 1}}]}
        b: {inputs: [a, P3], level: 3}
        c: {inputs: [a], level: 3, op: [act]}
        """,
        {"addmm": 1, "add": 1, "relu_": 1},
        id="nor-one-that-another-node-reads-later",
    ),
    pytest.param(
        """
        a: {inputs: [P3], level: 3, op: [{conv: {kernel: 1}}]}
        b: {inputs: [a, a], level: 3, fusion: softmax}
        """,
        {"addmm": 1, "mul": 1, "add_": 1},
        id="nor-one-that-the-node-reads-twice",
    ),
    pytest.param(
        """
        a: {inputs: [P3], level: 3, op: [{conv: {kernel: 1}}]}
        b: {inputs: [a], level: 3}
        c: {inputs: [a], level: 3, op: [act]}
        """,
        {"addmm": 1, "relu": 1},
        id="nor-one-that-is-the-result-of-another-node-too",
    ),
    pytest.param(
        """
        a: {inputs: [P3], level: 3, op: [{conv: {kernel: 1}}]}
        b: {inputs: [a], level: 3}
        c: {inputs: [b], level: 3, op: [act]}
        d: {inputs: [a], level: 3, op: [{conv: {kernel: 1}}]}
        """,
        {"addmm": 2, "relu": 1},
        id="nor-one-that-has-another-name-with-a-reader",
    ),
    pytest.param(
        """
        a: {inputs: [P3], level: 3, op: [{conv: {kernel: 1}}]}
        out: {inputs: [a], level: 4, fusion: unbounded}
        """,
        {"addmm": 1, "max_pool2d_with_indices": 1, "mul_": 1},
        id="one-weighted-map-is-written-to",
    ),
    pytest.param(
        """
        a: {inputs: [P3], level: 3, op: [{conv: {kernel: 1}}]}
        out: {inputs: [a, {from: P4, project: always}], level: 4, fusion: softmax}
        """,
        {"addmm": 2, "max_pool2d_with_indices": 1, "add_": 1},
        id="the-map-that-takes-its-weight-in-is-added-to",
    ),
    pytest.param(
        """
        a: {inputs: [P4], level: 4, op: [{conv: {kernel: 1}}]}
        out: {inputs: [{from: P3, project: always}, a], level: 3, resample: {up: bilinear}}
        """,
        {"addmm": 2, "upsample_bilinear2d": 1, "add_": 1},
        id="pixels-that-are-mixed-are-made",
    ),
    pytest.param(
        """
        a: {inputs: [P4], level: 4, op: [{conv: {kernel: 1}}]}
        out: {inputs: [{from: P3, project: always}, a], level: 3, resample: {up: [nearest, act]}}
        """,
        {"addmm": 2, "upsample_nearest2d": 1, "relu_": 1, "add_": 1},
        id="pixels-that-are-repeated-and-changed-are-made",
    ),
]


@pytest.mark.parametrize(("nodes", "expected"), CASES)
def test_these_operators_run_and_no_others(nodes: str, expected: dict[str, int]) -> None:
    outputs = "[out]" if "out:" in nodes else "[c, d]" if "d:" in nodes else "[b, c]" if "c:" in nodes else "[b]"

    assert fused_calls(nodes, outputs=outputs) == expected


def test_a_map_that_is_an_output_is_never_written_to() -> None:
    nodes = "a: {inputs: [P3], level: 3, op: [{conv: {kernel: 1}}]}\nb: {inputs: [a], level: 3, op: [act]}"

    assert fused_calls(nodes, outputs="[a, b]") == {"addmm": 1, "relu": 1}
    assert fused_calls(nodes, outputs="[b]") == {"addmm": 1, "relu_": 1}


def test_a_negative_weight_does_not_pass_a_max_pool() -> None:
    neck = neck_of(
        "out: {inputs: [P3, P4], level: 4, fusion: unbounded, resample: {project: always}}",
        inputs="P(3..4)",
        outputs="[out]",
    )
    neck.get_parameter("out.fusion.weight").data.copy_(torch.tensor([-2.0, -3.0]))
    features = maps(neck, 64, 64)

    fused = neck.fuse()

    torch.testing.assert_close(fused(features), neck(features), rtol=1e-5, atol=1e-5)
    assert [fused.get_submodule(f"out.edges.{source}").factor for source in ("P3", "P4")] == [-2.0, 1.0]


@pytest.fixture
def _own_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))


class Gate(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:] if x.mean() > -1e9 else x


@pytest.mark.usefixtures("_own_operators")
def test_an_operator_without_a_rule_runs_as_it_is_and_what_it_gives_is_not_written_to() -> None:
    @fpngraph.register
    class Gated(fpngraph.Layer):
        """Gives a view of its input."""

        name: ClassVar[str] = "gated"

        def build(self, inputs: tuple[fpngraph.Feature, ...], site: fpngraph.Site) -> nn.Module:
            return Gate()

    neck = neck_of("a: {inputs: [P3], level: 3, op: [gated, act]}", inputs="[P3]", outputs="[a]")
    features = [x.to(memory_format=torch.channels_last) for x in maps(neck, 64, 64)]
    copies = [x.clone() for x in features]

    (got,) = neck.fuse()(features)

    torch.testing.assert_close(got, neck(features)[0])
    torch.testing.assert_close(features, copies, rtol=0, atol=0)


class Double(nn.Module):
    def forward(self, size: object, x: Tensor) -> Tensor:
        return x * 2


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("a", Double()),
        ("a.op.act", nn.Tanh()),
        ("a.op.norm", nn.Identity()),
        ("a.op.norm", nn.BatchNorm2d(4, track_running_stats=False).double()),
        ("a.op.conv", nn.Conv2d(4, 4, 1).double()),
        ("b.fusion", Max()),
    ],
    ids=["node", "activation", "norm", "norm-without-statistics", "convolution", "fusion"],
)
def test_a_module_that_somebody_put_there_is_kept(path: str, module: nn.Module) -> None:
    neck = neck_of(
        "a: {inputs: [P3], level: 3, op: [{conv: {}}, norm, act]}\nb: {inputs: [a, P3], level: 3, op: [act]}",
        inputs="[P3]",
        outputs="[b]",
    ).double()
    neck.set_submodule(path, module)
    neck.eval()
    features = maps(neck, 64, 64, dtype=torch.float64)

    torch.testing.assert_close(neck.fuse()(features), neck(features), rtol=1e-12, atol=1e-12)


def test_modules_with_hooks_run_with_them() -> None:
    nodes = """
    a: {inputs: [P3], level: 3, op: [{conv: {}}, norm]}
    b: {inputs: [P3, a], level: 3, fusion: softmax, op: [{conv: {}}, norm]}
    """
    neck = neck_of(nodes, inputs="[P3]", outputs="[b]")
    neck.get_submodule("a.op.conv").register_forward_hook(lambda _module, _given, y: y.abs())
    neck.get_submodule("b.op.norm").register_forward_pre_hook(lambda _module, given: given[0].abs())
    neck.get_submodule("b.fusion").register_forward_hook(lambda _module, _given, y: y.abs())
    features = maps(neck, 64, 64)

    torch.testing.assert_close(neck.fuse()(features), neck(features), rtol=1e-5, atol=1e-5)


def test_nothing_of_the_neck_is_part_of_it() -> None:
    nodes = """
    a: {inputs: [P3], level: 3, op: [{conv: {}}, norm]}
    b: {inputs: [P3, a], level: 3, fusion: max, op: [{conv: {}}, norm, act]}
    c: {inputs: [b, P3], level: 3, fusion: softmax}
    """
    neck = neck_of(nodes, inputs="[P3]", outputs="[c]").train()
    neck.set_submodule("a", Double())
    neck.get_submodule("b.op.conv").register_forward_hook(lambda _module, _given, y: y.abs())
    before = {name: tensor.clone() for name, tensor in neck.state_dict().items()}

    fused = neck.fuse()

    assert not set(neck.modules()) & set(fused.modules())
    assert all(module.training for module in neck.modules())
    storages = [{x.data_ptr() for x in module.state_dict().values() if x.dim()} for module in (neck, fused)]
    assert not storages[0] & storages[1]
    torch.testing.assert_close(dict(neck.state_dict()), before, rtol=0, atol=0)


def test_weights_that_two_nodes_share_are_folded_once_each() -> None:
    neck = neck_of(
        "a: {inputs: [P3], level: 3, op: [{conv: {}}, norm]}\nb: {inputs: [a], level: 3, op: [{conv: {}}, norm]}",
        inputs="[P3]",
        outputs="[b]",
    )
    neck.set_submodule("b.op.conv", neck.get_submodule("a.op.conv"))
    features = maps(neck, 64, 64)

    torch.testing.assert_close(neck.fuse()(features), neck(features), rtol=1e-5, atol=1e-5)


@pytest.fixture
def _fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


SIZES = [(384, 512), (333, 501), (191, 257)]


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.usefixtures("_fresh_compiler")
@pytest.mark.parametrize(
    ("name", "params", "share"),
    [("bifpn", {"max": 5, "repeats": 1}, 0.37), ("retinanet_fpn", {}, 1)],
    ids=["bifpn", "retinanet_fpn"],
)
def test_it_exports_with_sizes_left_open_to_a_smaller_program_than_the_neck(
    name: str, params: dict[str, int], share: float
) -> None:
    neck = randomised(fpngraph.build(fpngraph.load(name, preset=None, channels=8, **params), [4, 6, 8]))
    sizes = ([{0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC} for _ in neck.in_channels],)
    example = (maps(neck, *SIZES[0]),)

    programs = [export(module, example, dynamic_shapes=sizes) for module in (neck.fuse(), neck)]

    for batch, size in enumerate(SIZES, start=1):
        features = maps(neck, *size, batch=batch)
        torch.testing.assert_close(programs[0].module()(features), neck(features), rtol=1e-5, atol=1e-5)
    small, large = (sum(node.op == "call_function" for node in program.graph.nodes) for program in programs)
    assert small <= share * large


@pytest.mark.slow
@pytest.mark.usefixtures("_fresh_compiler")
def test_torch_compile_has_no_graph_break() -> None:
    neck = neck_of(
        """
        a: {inputs: [P4], level: 4, op: [{conv: {kernel: 1}}]}
        b: {inputs: [P3, a], level: 3, fusion: softmax, op: [act, {separable_conv: {}}, norm]}
        c: {inputs: [P4, b], level: 4, fusion: fast_normalized, resample: {project: always}}
        """,
        inputs="P(3..4)",
        outputs="[b, c]",
    )
    compiled = torch.compile(neck.fuse(), fullgraph=True, backend="eager")

    for size in SIZES:
        features = maps(neck, *size)
        torch.testing.assert_close(compiled(features), neck(features), rtol=1e-5, atol=1e-5)


def test_the_operators_of_a_shipped_neck_are_few() -> None:
    neck = fpngraph.build(fpngraph.load("bifpn", preset="d0"), [40, 112, 320]).eval()
    features = maps(neck, 256, 256, batch=1)

    plain, fused = (sum(calls(module, features).values()) for module in (neck, neck.fuse()))

    assert fused <= 0.6 * plain
