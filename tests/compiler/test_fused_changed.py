"""The inference form of a neck with modules that do more, or another thing, than their class says."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune, remove_weight_norm, weight_norm

from tests.fused_graphs import assert_fused_equals, neck
from tests.necks import maps


@pytest.mark.parametrize(
    "path", ["a", "a.edges.P4", "a.edges.P4.nearest", "a.fusion", "a.op", "a.op.conv", "b.op.separable_conv.depthwise"]
)
def test_another_forward_of_one_module_is_kept(path: str) -> None:
    edited = neck()
    module = edited.get_submodule(path)
    own = module.forward
    module.forward = lambda *given: own(*given).mul(-2).add(1)

    fused = assert_fused_equals(edited)

    outer, inside = ("b.op.separable_conv", "its 'depthwise' ") if "depthwise" in path else (path, "")
    assert fused.unfolded[outer] == f"{inside}has another 'forward' than its class"


def test_a_method_that_a_forward_calls_may_not_be_another() -> None:
    edited = neck()
    edited.get_submodule("a.fusion").factors = lambda: torch.tensor([5.0, 7.0], dtype=torch.float64)

    fused = assert_fused_equals(edited)

    assert fused.unfolded == {"a.fusion": "has another 'factors' than its class"}


def test_a_norm_that_somebody_keeps_in_eval_mode_is_folded() -> None:
    edited = neck()
    norm = edited.get_submodule("a.op.norm")
    norm.train = lambda mode=True: norm

    assert assert_fused_equals(edited).unfolded == {}


PRUNED = "has a forward pre-hook, torch.nn.utils.prune.L1Unstructured"


@pytest.mark.parametrize("after_a_forward", [False, True])
def test_pruned_modules_run_as_they_are_until_pruning_is_made_permanent(after_a_forward: bool) -> None:
    edited = neck()
    conv, inner = edited.get_submodule("a.op.conv"), edited.get_submodule("b.op.separable_conv.pointwise")
    for module in (conv, inner):
        prune.l1_unstructured(module, "weight", amount=0.5)
    if after_a_forward:
        edited(maps(edited, 64, 64, dtype=torch.float64))

    pruned = assert_fused_equals(edited)
    for module in (conv, inner):
        prune.remove(module, "weight")
    permanent = assert_fused_equals(edited)

    assert pruned.unfolded["a.op.conv"] == PRUNED
    assert pruned.unfolded["b.op.separable_conv"] == f"its 'pointwise' {PRUNED}"
    assert permanent.unfolded == {}


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_modules_with_weight_norm_run_as_they_are_until_it_is_removed() -> None:
    edited = neck()
    conv = edited.get_submodule("a.op.conv")
    weight_norm(conv)

    normed = assert_fused_equals(edited)
    remove_weight_norm(conv)
    removed = assert_fused_equals(edited)

    assert list(normed.unfolded) == ["a.op.conv", "a.op.norm"]
    assert normed.unfolded["a.op.conv"] == "has a forward pre-hook, torch.nn.utils.weight_norm.WeightNorm"
    assert removed.unfolded == {}


@pytest.mark.parametrize("path", ["a.op.conv", "b.op.separable_conv.pointwise"])
def test_a_parametrized_module_runs_as_it_is(path: str) -> None:
    edited = neck()
    parametrizations.weight_norm(edited.get_submodule(path))

    fused = assert_fused_equals(edited)

    assert fused.unfolded["a.op.conv" if path == "a.op.conv" else "b.op.separable_conv"] == (
        "no rule for its class torch.nn.utils.parametrize.ParametrizedConv2d"
    )


def test_a_weight_that_is_no_parameter_is_left_alone() -> None:
    edited = neck()
    conv = edited.get_submodule("c.op.conv")
    weight = conv.weight.detach()
    del conv.weight
    conv.register_buffer("weight", weight)

    fused = assert_fused_equals(edited)

    assert fused.unfolded["c.op.conv"] == "its weight or bias is no parameter"


class Own(nn.Parameter):
    pass


def test_a_weight_of_a_class_of_its_own_is_left_alone() -> None:
    edited = neck()
    conv = edited.get_submodule("b.op.separable_conv.pointwise")
    conv.weight = Own(conv.weight.detach())

    fused = assert_fused_equals(edited)

    assert fused.unfolded["b.op.separable_conv"] == f"its 'pointwise' has a 'weight' of the class {__name__}.Own"


def test_a_module_that_cannot_be_copied_is_named() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.seen: list[Tensor] = []

        def record(self, _module: nn.Module, _given: object, y: Tensor) -> None:
            self.seen.append(y)

    edited = neck()
    edited.get_submodule("a.op.conv").register_forward_hook(Recorder().record)
    edited(maps(edited, 64, 64, dtype=torch.float64))

    with pytest.raises(ValueError) as raised:
        edited.fuse()

    lines = str(raised.value).splitlines()
    assert lines[0].startswith("module 'a.op.conv' cannot be copied: ")
    assert lines[1] == "  hint: remove its hooks, and what they keep, before fusing"
