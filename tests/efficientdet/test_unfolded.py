"""What detectors that somebody has converted, hooked or edited give in inference, and what they name."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from timm.layers import FrozenBatchNormAct2d, StdConv2d, convert_sync_batchnorm
from timm.utils.model import freeze_batch_norm_2d
from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

from fpngraph.efficientdet import EfficientDet
from fpngraph.efficientdet.fused import FusedEfficientDet
from fpngraph.efficientdet.heads import Head
from tests.efficientdet.test_fused import assert_equal_predictions, images, learned

NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm, FrozenBatchNorm2d, FrozenBatchNormAct2d)
ALONE = "follows no convolution that could take it in"


def assert_fused_predicts_the_same(model: EfficientDet) -> FusedEfficientDet:
    expected = model(images(64, 96))
    fused = model.fuse()
    assert_equal_predictions(fused(images(64, 96)), expected)
    return fused


def doubled(_module: nn.Module, _given: object, y: Any) -> Any:
    return y * 2


@pytest.mark.parametrize(
    "convert",
    [freeze_batch_norm_2d, convert_sync_batchnorm, nn.SyncBatchNorm.convert_sync_batchnorm],
    ids=["frozen", "sync-of-timm", "sync"],
)
def test_converted_norms_are_folded_in_every_part(convert: Callable[[nn.Module], nn.Module]) -> None:
    model = learned("resdet50", backbone="resnet10t")  # its norms have no activation inside, which torch's would drop

    fused = assert_fused_predicts_the_same(convert(model).eval())

    assert fused.unfolded == {}
    assert not [part for part in fused.modules() if isinstance(part, NORMS)]


@pytest.mark.parametrize("convert", [freeze_batch_norm_2d, convert_sync_batchnorm], ids=["frozen", "sync-of-timm"])
def test_converted_norms_with_an_activation_inside_are_folded(convert: Callable[[nn.Module], nn.Module]) -> None:
    fused = assert_fused_predicts_the_same(convert(learned("tf_efficientdet_d0")).eval())

    assert fused.unfolded == {}
    assert not [part for part in fused.modules() if isinstance(part, NORMS)]


def test_a_convolution_of_a_class_of_its_own_takes_no_norm_in() -> None:
    model = learned("efficientdet_d0")
    conv = model.backbone.conv_stem
    own = StdConv2d(3, conv.out_channels, conv.kernel_size, conv.stride, conv.padding).double()
    model.backbone.conv_stem = own

    fused = assert_fused_predicts_the_same(model)

    assert fused.unfolded == {"backbone.bn1": ALONE}


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("backbone.conv_stem", {"backbone.bn1": ALONE}),
        ("backbone.bn1", {"backbone.bn1": f"has a forward hook, {__name__}.doubled"}),
        (
            "class_head.predict.pointwise",
            {"class_head.predict": f"its 'pointwise' has a forward hook, {__name__}.doubled"},
        ),
        ("neck.bifpn.0.out4.fusion", {"neck.bifpn.0.out4.fusion": f"has a forward hook, {__name__}.doubled"}),
    ],
)
def test_hooked_modules_run_with_their_hooks_and_are_named(path: str, named: dict[str, str]) -> None:
    model = learned("efficientdet_d0")
    model.get_submodule(path).register_forward_hook(doubled)

    assert assert_fused_predicts_the_same(model).unfolded == named


def test_a_hook_of_every_pointwise_convolution_of_the_backbone_is_kept() -> None:
    model = learned("efficientdet_d0")
    for part in model.backbone.modules():
        if isinstance(part, nn.Conv2d) and part.kernel_size == (1, 1):
            part.register_forward_hook(doubled)

    assert_fused_predicts_the_same(model)


def test_another_forward_of_the_backbone_is_kept_and_its_norms_are_named() -> None:
    model = learned("efficientdet_d0")
    own = model.backbone.forward
    model.backbone.forward = lambda image: [x * 2 for x in own(image)]

    fused = assert_fused_predicts_the_same(model)

    assert set(fused.unfolded.values()) == {"is in a backbone that torch.fx cannot follow"}
    assert fused.unfolded.keys() == {
        f"backbone.{name}" for name, part in model.backbone.named_modules() if isinstance(part, nn.BatchNorm2d)
    }


class Louder(Head):
    def _level(self, level: str, x: Tensor) -> Tensor:
        return super()._level(level, x) * 2


def test_a_head_of_another_class_runs_as_it_is() -> None:
    model = learned("efficientdet_d0")
    model.box_head.__class__ = Louder

    assert assert_fused_predicts_the_same(model).unfolded == {"box_head": f"no rule for its class {__name__}.Louder"}


def test_an_edited_head_is_fused_as_it_is_now() -> None:
    model = learned("efficientdet_d0")
    model.class_head.act = nn.Tanh()
    del model.box_head.convs[0], model.box_head.norms[0]

    assert assert_fused_predicts_the_same(model).unfolded == {
        "class_head.act": "no rule for its class torch.nn.modules.activation.Tanh"
    }


def test_hooks_of_the_detector_and_its_neck_stay_behind_and_are_named() -> None:
    model = learned("efficientdet_d0")
    model.register_forward_pre_hook(lambda _module, given: given)
    model.neck.register_forward_hook(doubled)

    unfolded = model.fuse().unfolded

    assert list(unfolded) == ["", "neck"]
    assert unfolded["neck"] == f"has a forward hook, {__name__}.doubled, which stays behind"


def test_copies_and_pickles_say_the_same() -> None:
    fused = learned("efficientdet_d0", norm={"group_norm": {"groups": 4}}).fuse()

    others = [copy.deepcopy(fused), pickle.loads(pickle.dumps(fused))]

    assert set(fused.unfolded.values()) == {"its statistics are those of each image"}
    assert {name.split(".")[0] for name in fused.unfolded} == {"neck", "class_head", "box_head"}
    assert [other.unfolded for other in others] == [fused.unfolded] * 2


@pytest.mark.parametrize("form", [EfficientDet.eval, EfficientDet.fuse], ids=["plain", "fused"])
@pytest.mark.parametrize("name", ["efficientdet_d0", "cspdarkdet53m"])
def test_inplace_set_on_all_modules_changes_no_prediction(name: str, form: Callable[[EfficientDet], nn.Module]) -> None:
    model = form(learned(name))
    image = images(64, 96)
    given, expected = image.clone(), model(image)

    for part in model.modules():
        part.inplace = True  # type: ignore[assignment]  # as hosts do, and on more modules
    classes, boxes = model(image)

    pairs = zip((*classes, *boxes), (*expected.classes, *expected.boxes), strict=True)
    assert all(torch.equal(y, wanted) for y, wanted in pairs)
    assert torch.equal(image, given)
