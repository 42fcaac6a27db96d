"""Norms that trained detectors have are folded too, whoever has put them there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from timm.layers import BatchNormAct2d, FrozenBatchNormAct2d, convert_sync_batchnorm
from timm.utils.model import freeze_batch_norm_2d
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

import fpngraph
from fpngraph.layers.norm import KeptBatchNorm2d
from tests.fused_graphs import as_trained, assert_fused_equals, neck
from tests.necks import maps

KEPT = (nn.BatchNorm2d, nn.SyncBatchNorm, KeptBatchNorm2d, FrozenBatchNorm2d, FrozenBatchNormAct2d)

NORMS: dict[str, Callable[[], nn.Module]] = {
    "torch": lambda: nn.BatchNorm2d(4, eps=0.3),
    "without-affine": lambda: nn.BatchNorm2d(4, eps=0.3, affine=False),
    "without-momentum": lambda: nn.BatchNorm2d(4, eps=0.3, momentum=None),
    "sync": lambda: nn.SyncBatchNorm(4, eps=0.3),
    "kept": lambda: KeptBatchNorm2d(4, eps=0.3),
    "sync-without-affine": lambda: nn.SyncBatchNorm(4, eps=0.3, affine=False),
    "torchvision-frozen": lambda: FrozenBatchNorm2d(4, eps=0.3),
    "timm-act": lambda: BatchNormAct2d(4, eps=0.3),
    "timm-other-act": lambda: BatchNormAct2d(4, eps=0.3, act_layer=nn.Tanh, inplace=False),
    "timm-no-act": lambda: BatchNormAct2d(4, eps=0.3, apply_act=False),
    "timm-sync": lambda: convert_sync_batchnorm(BatchNormAct2d(4, eps=0.3)),
    "timm-sync-by-torch": lambda: nn.SyncBatchNorm.convert_sync_batchnorm(BatchNormAct2d(4, eps=0.3)),
    "timm-frozen": lambda: FrozenBatchNormAct2d(4, eps=0.3),
}


@pytest.mark.parametrize("path", ["a.op.norm", "b.edges.P4.project.norm", "b.op.norm"])
@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_it_is_folded_into_the_convolution_before_it(norm: Callable[[], nn.Module], path: str) -> None:
    edited = neck()
    edited.set_submodule(path, as_trained(norm()))

    fused = assert_fused_equals(edited)

    assert fused.unfolded == {}
    assert not [module for module in fused.modules() if isinstance(module, KEPT)]


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_without_a_convolution_before_it_runs_as_a_plain_one_and_is_named(norm: Callable[[], nn.Module]) -> None:
    edited = neck()
    edited.get_submodule("a.op").insert(0, as_trained(norm()))

    fused = assert_fused_equals(edited)

    assert fused.unfolded == {"a.op.3": "follows no convolution that could take it in"}
    assert [type(module) for module in fused.modules() if isinstance(module, KEPT)] == [nn.BatchNorm2d]


@pytest.mark.parametrize(
    "convert", [nn.SyncBatchNorm.convert_sync_batchnorm, freeze_batch_norm_2d], ids=["sync", "frozen"]
)
@pytest.mark.parametrize("name", ["bifpn", "pan_effdet"])
def test_a_whole_neck_that_is_converted_is_fused_as_before(name: str, convert: Callable[[nn.Module], object]) -> None:
    graph = fpngraph.load(name, preset=None, channels=8, repeats=1)
    plain = fpngraph.build(graph, [12, 10, 14]).double().eval()
    for module in plain.modules():
        if isinstance(module, nn.BatchNorm2d):
            as_trained(module)
    expected = plain.fuse()(maps(plain, 130, 99, dtype=torch.float64))

    convert(plain)
    fused = plain.fuse()

    assert fused.unfolded == {}
    assert not [module for module in fused.modules() if isinstance(module, KEPT)]
    for y, wanted in zip(fused(maps(plain, 130, 99, dtype=torch.float64)), expected, strict=True):
        assert (y - wanted).abs().max() <= 1e-12 * wanted.abs().max()


def test_a_norm_without_statistics_runs_as_it_is_and_is_named() -> None:
    edited = neck()
    edited.set_submodule("a.op.norm", nn.BatchNorm2d(4, track_running_stats=False).double().eval())

    assert assert_fused_equals(edited).unfolded == {"a.op.norm": "has no running statistics"}


def test_norms_of_other_classes_run_as_they_are_and_are_named() -> None:
    class Own(nn.BatchNorm2d):
        pass

    edited = neck()
    edited.set_submodule("a.op.norm", as_trained(Own(4)))
    edited.set_submodule("b.op.norm", nn.InstanceNorm2d(4).double())

    assert assert_fused_equals(edited).unfolded == {
        "a.op.norm": f"no rule for its class {__name__}.{Own.__qualname__}",
        "b.op.norm": "no rule for its class torch.nn.modules.instancenorm.InstanceNorm2d",
    }
