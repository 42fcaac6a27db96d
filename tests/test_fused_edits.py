"""The inference form of a neck whose modules somebody has edited: what the neck gives, or the module is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune, remove_weight_norm, weight_norm

import fpngraph
from fpngraph.layers import fusion
from fpngraph.layers.conv import SeparableConv2d
from fpngraph.layers.node import Edge, Node
from fpngraph.layers.resample import Interpolate
from tests.fused_graphs import trained
from tests.necks import maps, neck_of

PROJECT = "{project: {when: always, norm: true}}"
NODES = """
a: {inputs: [P3, P4], level: 3, fusion: fast_normalized, op: [{conv: {}}, norm, act]}
b: {inputs: [P4, a], level: 4, fusion: softmax, resample: %PROJECT, op: [separable_conv, norm]}
c: {inputs: [a, b], level: 3, op: [act, {conv: {kernel: 1}}, norm]}
""".replace("%PROJECT", PROJECT)


def neck() -> fpngraph.Neck:
    return trained(neck_of(NODES, inputs="P(3..4)", outputs="[b, c]").double())


def assert_fused_equals(edited: fpngraph.Neck) -> fpngraph.FusedNeck:
    """The fused form gives what the neck gives, at two sizes, to 1e-12 of the largest value."""
    fused = edited.fuse()
    with torch.no_grad():
        for size in ((64, 96), (50, 33)):
            features = maps(edited, *size, dtype=torch.float64)
            for y, expected in zip(fused(features), edited(features), strict=True):
                assert (y - expected).abs().max() <= 1e-12 * expected.abs().max()
    return fused


class Shifted(fusion.FastNormalized):
    def forward(self, maps: Any) -> Tensor:
        return super().forward(maps) + 3


class Negated(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return -super().forward(x)


class Backwards(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        for module in reversed(list(self)):
            x = module(x)
        return x


class Doubling(Edge):
    def forward(self, x: Tensor, size: Any) -> Tensor:
        return super().forward(x, size) * 2


class Late(Node):
    def forward(self, size: Any, *given: Tensor) -> Tensor:
        return super().forward(size, *given) + 1


class Mirrored(Interpolate):
    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        return super().forward(x, size).flip(-1)


class Halved(nn.Module):
    def forward(self, x: Tensor, size: Any) -> Tensor:
        return x / 2


def put(path: str, module: nn.Module) -> Callable[[fpngraph.Neck], object]:
    return lambda neck: neck.set_submodule(path, module)


def deriving(path: str, kind: type[nn.Module]) -> Callable[[fpngraph.Neck], object]:
    """The module at ``path`` as one of a class that derives from its own."""
    return lambda neck: setattr(neck.get_submodule(path), "__class__", kind)


TANH = "no rule for its class torch.nn.modules.activation.Tanh"
EDITS: dict[str, tuple[Callable[[fpngraph.Neck], object], dict[str, str]]] = {
    "appended": (
        lambda n: n.a.op.append(nn.Tanh()),
        {"a.op.3": TANH},
    ),
    "inserted-norm": (lambda n: n.a.op.insert(2, trained_norm(nn.BatchNorm2d(4))), {}),
    "first-removed": (lambda n: n.a.op.__delitem__(0), {"a.op.0": "follows no convolution that could take it in"}),
    "norm-removed": (lambda n: n.a.op.__delitem__(1), {}),
    "all-removed": (put("a.op", nn.Sequential()), {}),
    "convolution-put-there": (put("a.op.2", nn.Conv2d(4, 4, 3, padding=1).double()), {}),
    "one-module-for-the-op": (
        put("c.op", nn.Tanh()),
        {"c.op": TANH},
    ),
    "class-of-the-op": (deriving("a.op", Backwards), {"a.op": f"no rule for its class {__name__}.Backwards"}),
    "class-of-an-edge": (deriving("a.edges.1", Doubling), {"a.edges.1": f"no rule for its class {__name__}.Doubling"}),
    "class-of-a-node": (deriving("b", Late), {"b": f"no rule for its class {__name__}.Late"}),
    "class-of-a-fusion": (deriving("a.fusion", Shifted), {"a.fusion": f"no rule for its class {__name__}.Shifted"}),
    "class-of-a-resampler": (
        deriving("a.edges.1.0", Mirrored),
        {"a.edges.1.0": f"no rule for its class {__name__}.Mirrored"},
    ),
    "class-of-a-convolution": (
        deriving("a.op.0", Negated),
        {
            "a.op.0": f"no rule for its class {__name__}.Negated",
            "a.op.1": "follows no convolution that could take it in",
        },
    ),
    "class-of-an-inner-convolution": (
        deriving("b.op.0.pointwise", Negated),
        {
            "b.op.0": f"no rule for its class {__name__}.Negated",
            "b.op.1": "follows no convolution that could take it in",
        },
    ),
    "separable-for-an-inner-convolution": (
        put("b.op.0.depthwise", SeparableConv2d(4, 4).double()),
        {"b.op.0": "no rule for its class fpngraph.layers.conv.SeparableConv2d"},
    ),
    "edge-replaced": (put("c.edges.0", Halved()), {"c.edges.0": f"no rule for its class {__name__}.Halved"}),
    "edge-emptied": (put("b.edges.0", Edge([], resampler=None)), {}),
    "step-replaced": (put("b.edges.0.0", nn.Conv2d(4, 4, 3, padding=1).double()), {}),
    "step-appended": (
        lambda n: n.a.edges[0].append(nn.Conv2d(4, 4, 1).double()),
        {"a.edges.0.0": "no rule for its class torch.nn.modules.conv.Conv2d"},
    ),
    "fusion-of-other-count": (
        put("c.fusion", fusion.Softmax(2).double()),
        {"c.fusion": "no rule for its class fpngraph.layers.fusion.Softmax"},
    ),
}


def trained_norm(norm: Any) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    for name in ("weight", "bias", "running_mean", "running_var"):
        values = getattr(norm, name)
        if values is not None:
            values.data.uniform_(0.5, 1.5, generator=generator)
    made: nn.Module = norm.double().eval()
    return made


@pytest.mark.parametrize(("edit", "unfolded"), EDITS.values(), ids=EDITS)
def test_an_edited_neck_is_fused_as_it_is_now(
    edit: Callable[[fpngraph.Neck], object], unfolded: dict[str, str]
) -> None:
    edited = neck()
    edit(edited)

    fused = assert_fused_equals(edited)

    assert fused.unfolded == unfolded


def test_a_neck_as_it_was_built_leaves_nothing() -> None:
    assert assert_fused_equals(neck()).unfolded == {}


def test_a_node_with_more_edges_than_the_graph_has_is_named_and_fails_as_the_neck_does() -> None:
    edited = neck()
    edited.get_submodule("c.edges").append(Edge([], resampler=None))

    fused = edited.fuse()

    assert fused.unfolded == {"c": "has 3 edges, but the graph has 2"}
    for module in (edited, fused):
        with pytest.raises(ValueError):
            module(maps(edited, 64, 64, dtype=torch.float64))


@pytest.mark.parametrize("path", ["a", "a.edges.1", "a.edges.1.0", "a.fusion", "a.op", "a.op.0", "b.op.0.depthwise"])
def test_another_forward_of_one_module_is_kept(path: str) -> None:
    edited = neck()
    module = edited.get_submodule(path)
    own = module.forward
    module.forward = lambda *given: own(*given).mul(-2).add(1)

    fused = assert_fused_equals(edited)

    outer, inside = ("b.op.0", "its 'depthwise' ") if "depthwise" in path else (path, "")
    assert fused.unfolded[outer] == f"{inside}has another 'forward' than its class"


def test_a_method_that_a_forward_calls_may_not_be_another() -> None:
    edited = neck()
    edited.get_submodule("a.fusion").factors = lambda: torch.tensor([5.0, 7.0], dtype=torch.float64)

    fused = assert_fused_equals(edited)

    assert fused.unfolded == {"a.fusion": "has another 'factors' than its class"}


def test_a_norm_that_somebody_keeps_in_eval_mode_is_folded() -> None:
    edited = neck()
    norm = edited.get_submodule("a.op.1")
    norm.train = lambda mode=True: norm

    assert assert_fused_equals(edited).unfolded == {}


PRUNED = "has a forward pre-hook, torch.nn.utils.prune.L1Unstructured"


@pytest.mark.parametrize("after_a_forward", [False, True])
def test_pruned_modules_run_as_they_are_until_pruning_is_made_permanent(after_a_forward: bool) -> None:
    edited = neck()
    conv, inner = edited.get_submodule("a.op.0"), edited.get_submodule("b.op.0.pointwise")
    for module in (conv, inner):
        prune.l1_unstructured(module, "weight", amount=0.5)
    if after_a_forward:
        edited(maps(edited, 64, 64, dtype=torch.float64))

    pruned = assert_fused_equals(edited)
    for module in (conv, inner):
        prune.remove(module, "weight")
    permanent = assert_fused_equals(edited)

    assert pruned.unfolded["a.op.0"] == PRUNED
    assert pruned.unfolded["b.op.0"] == f"its 'pointwise' {PRUNED}"
    assert permanent.unfolded == {}


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_modules_with_weight_norm_run_as_they_are_until_it_is_removed() -> None:
    edited = neck()
    conv = edited.get_submodule("a.op.0")
    weight_norm(conv)

    normed = assert_fused_equals(edited)
    remove_weight_norm(conv)
    removed = assert_fused_equals(edited)

    assert list(normed.unfolded) == ["a.op.0", "a.op.1"]
    assert normed.unfolded["a.op.0"] == "has a forward pre-hook, torch.nn.utils.weight_norm.WeightNorm"
    assert removed.unfolded == {}


@pytest.mark.parametrize("path", ["a.op.0", "b.op.0.pointwise"])
def test_a_parametrized_module_runs_as_it_is(path: str) -> None:
    edited = neck()
    parametrizations.weight_norm(edited.get_submodule(path))

    fused = assert_fused_equals(edited)

    assert fused.unfolded["a.op.0" if path == "a.op.0" else "b.op.0"] == (
        "no rule for its class torch.nn.utils.parametrize.ParametrizedConv2d"
    )


def test_a_weight_that_is_no_parameter_is_left_alone() -> None:
    edited = neck()
    conv = edited.get_submodule("c.op.1")
    weight = conv.weight.detach()
    del conv.weight
    conv.register_buffer("weight", weight)

    fused = assert_fused_equals(edited)

    assert fused.unfolded["c.op.1"] == "its weight or bias is no parameter"


def test_a_module_that_cannot_be_copied_is_named() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.seen: list[Tensor] = []

        def record(self, _module: nn.Module, _given: object, y: Tensor) -> None:
            self.seen.append(y)

    edited = neck()
    edited.get_submodule("a.op.0").register_forward_hook(Recorder().record)
    edited(maps(edited, 64, 64, dtype=torch.float64))

    with pytest.raises(ValueError) as raised:
        edited.fuse()

    lines = str(raised.value).splitlines()
    assert lines[0].startswith("module 'a.op.0' cannot be copied: ")
    assert lines[1] == "  hint: remove its hooks, and what they keep, before fusing"
