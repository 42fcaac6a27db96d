"""The inference form of a pyramid: the same maps, with no batch norm left that follows a convolution."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection import RetinaNet

import fpngraph
from fpngraph.adapters.torchvision import anchor_generator, check
from fpngraph.pyramid import fused_pyramid
from fpngraph.pyramid.fused_pyramid import FusedPyramid, fastest_layout
from tests.traces import trace

ALONE = "follows no convolution that could take it in"
NORMS = nn.BatchNorm1d | nn.BatchNorm2d | nn.SyncBatchNorm


def learned(backbone: str, graph: str = "fpn", **arguments: Any) -> fpngraph.FeaturePyramid:
    """A pyramid in eval mode and float64, with statistics of norms and fusion weights as after a training."""
    torch.manual_seed(0)
    params = {"channels": 8, "repeats": 1} if graph == "bifpn" else {"channels": 8}
    pyramid = fpngraph.FeaturePyramid(backbone, graph, params=params, **arguments).double().eval()
    with torch.no_grad():
        for part in pyramid.modules():
            if isinstance(part, NORMS):
                part.running_mean.normal_(std=0.2)
                part.running_var.uniform_(0.5, 1.5)
                part.weight.uniform_(0.5, 1.5)
                part.bias.normal_(std=0.2)
        for key, weight in pyramid.neck.named_parameters():
            if key.endswith("fusion.weight"):
                weight.uniform_(-0.3, 1.5)
    return pyramid


def image(*size: int, channels: int = 3) -> Tensor:
    return torch.randn(2, channels, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def assert_equal_maps(maps: OrderedDict[str, Tensor], expected: OrderedDict[str, Tensor]) -> None:
    assert type(maps) is OrderedDict
    assert list(maps) == list(expected)
    for name, x in maps.items():
        assert (x - expected[name]).abs().max() <= 1e-12 * expected[name].abs().max(), name


@pytest.mark.parametrize(
    ("backbone", "size", "arguments", "left"),
    [
        pytest.param("resnet10t", (64, 96), {}, set(), id="resnet"),
        pytest.param("efficientnet_lite0", (65, 96), {}, set(), id="efficientnet, activations inside norms"),
        pytest.param("tf_mobilenetv3_small_minimal_100", (65, 97), {}, set(), id="mobilenetv3, TensorFlow's padding"),
        pytest.param("regnety_002", (64, 64), {}, set(), id="regnet"),
        pytest.param("cs3darknet_focus_s", (64, 64), {}, set(), id="cspdarknet"),
        pytest.param("hgnetv2_b0", (64, 64), {}, set(), id="hgnet"),
        pytest.param("hrnet_w18_small", (64, 64), {}, set(), id="hrnet"),
        pytest.param("repvgg_a0", (64, 64), {}, {ALONE}, id="repvgg, norms of maps themselves"),
        pytest.param("densenet121", (64, 64), {"growth_rate": 4}, {ALONE}, id="densenet, norms of joined maps"),
        pytest.param("convnext_atto", (64, 96), {"dims": (8, 8, 8, 8), "depths": (1, 1, 1, 1)}, set(), id="convnext"),
        pytest.param(
            "swin_tiny_patch4_window7_224",
            (64, 96),
            {"depths": (1, 1, 1, 1), "embed_dim": 24, "strict_img_size": False},
            set(),
            id="swin",
        ),
    ],
)
def test_the_inference_form_gives_the_same_maps(
    backbone: str, size: tuple[int, int], arguments: dict[str, Any], left: set[str]
) -> None:
    pyramid = learned(backbone, **arguments)
    expected = pyramid(image(*size))

    fused = pyramid.fuse()

    assert_equal_maps(fused(image(*size)), expected)
    norms = {name for name, part in fused.named_modules() if isinstance(part, NORMS)}
    assert {fused.unfolded[name] for name in norms} == left


def test_what_cannot_be_followed_stays_as_it_is_and_the_rest_is_folded() -> None:
    pyramid = learned("efficientvit_b0")  # its attention branches on the device of its maps
    expected = pyramid(image(64, 96))

    fused = pyramid.fuse()

    assert_equal_maps(fused(image(64, 96)), expected)
    before, after = (sum(isinstance(part, NORMS) for part in it.modules()) for it in (pyramid, fused))
    assert len(fused.unfolded) == after < before
    assert all(reason.endswith(", which torch.fx cannot follow") for reason in fused.unfolded.values())


def test_it_has_what_a_pyramid_has() -> None:
    pyramid = learned("resnet10t", "bifpn", in_chans=1, out_indices=(2, 3, 4))

    fused = pyramid.fuse()

    assert isinstance(fused, FusedPyramid)
    assert isinstance(fused.neck, fpngraph.FusedNeck)
    assert (fused.out_channels, fused.out_strides) == (pyramid.out_channels, pyramid.out_strides)
    assert_equal_maps(fused(image(64, 96, channels=1)), pyramid(image(64, 96, channels=1)))
    assert fused.unfolded == {}


def test_the_pyramid_itself_stays_as_it_was() -> None:
    pyramid = learned("test_efficientnet").train()
    before = copy.deepcopy(pyramid.state_dict())

    pyramid.fuse()

    assert pyramid.training
    assert all(parameter.requires_grad for parameter in pyramid.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in pyramid.state_dict().items())


def doubled(_module: nn.Module, _given: object, y: Any) -> Any:
    return y * 2


def test_what_somebody_has_hooked_or_put_there_runs_as_it_is_and_is_named() -> None:
    pyramid = learned("resnet10t", "bifpn")
    pyramid.backbone.get_submodule("layer1.0.bn1").register_forward_hook(doubled)
    pyramid.neck.get_submodule("bifpn.0.td6.fusion").register_forward_hook(doubled)
    pyramid.backbone.layer2[0].bn1 = nn.GroupNorm(4, 128).double()
    expected = pyramid(image(64, 96))

    fused = pyramid.fuse()

    assert_equal_maps(fused(image(64, 96)), expected)
    assert fused.unfolded == {
        "backbone.layer1.0.bn1": f"has a forward hook, {__name__}.doubled",
        "backbone.layer2.0.bn1": "its statistics are those of each image",
        "neck.bifpn.0.td6.fusion": f"has a forward hook, {__name__}.doubled",
    }


def test_hooks_of_the_pyramid_and_of_its_neck_stay_behind_and_are_named() -> None:
    pyramid = learned("resnet10t")
    pyramid.register_forward_hook(doubled)
    pyramid.neck.register_forward_pre_hook(doubled)

    assert pyramid.fuse().unfolded == {
        "": f"has a forward hook, {__name__}.doubled, which stays behind",
        "neck": f"has a forward pre-hook, {__name__}.doubled, which stays behind",
    }


def test_copies_and_pickles_give_the_same() -> None:
    fused = learned("convnext_atto", dims=(8, 8, 8, 8), depths=(1, 1, 1, 1)).fuse()
    expected = fused(image(64, 96))

    others = [copy.deepcopy(fused), pickle.loads(pickle.dumps(fused))]

    assert set(fused.unfolded.values()) == {"its statistics are those of each image"}
    for other in others:
        assert other.unfolded == fused.unfolded
        assert all(torch.equal(x, expected[name]) for name, x in other(image(64, 96)).items())


def test_in_another_type_image_and_maps_keep_theirs() -> None:
    pyramid = learned("resnet10t").float()
    given = image(64, 96).float()
    expected = pyramid(given)

    fused = pyramid.fuse(torch.bfloat16)

    assert {parameter.dtype for parameter in fused.parameters()} == {torch.bfloat16}
    for name, x in fused(given).items():
        assert x.dtype == torch.float32
        assert (x - expected[name]).abs().max() < 0.05 * expected[name].abs().max()


def test_for_given_sizes_it_gives_the_same_bit_by_bit() -> None:
    pyramid = learned("resnet10t")
    fused, straight = pyramid.fuse(), pyramid.fuse(image_sizes=[(64, 96)])

    for size in ((64, 96), (96, 64)):
        expected = fused(image(*size))
        assert all(torch.equal(x, expected[name]) for name, x in straight(image(*size)).items())
    assert straight.neck.image_sizes == ((64, 96),)


def test_an_image_of_integers_is_refused_as_the_pyramid_does() -> None:
    pyramid = learned("resnet10t")
    given = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)

    for module in (pyramid, pyramid.fuse(), pyramid.fuse(torch.bfloat16)):
        with pytest.raises(RuntimeError, match=r"[Bb]yte|unsigned char"):
            module(given)


def test_training_is_refused() -> None:
    fused = learned("resnet10t").train().fuse()
    assert not any(part.training for part in fused.modules())

    with pytest.raises(RuntimeError) as caught:
        fused.train()

    assert str(caught.value) == (
        "a fused pyramid is for inference only\n  hint: train the pyramid that it was made from, and fuse that again"
    )
    assert fused.eval() is fused


def test_a_neck_that_is_fused_already_is_told() -> None:
    pyramid = learned("resnet10t")
    pyramid.neck = pyramid.neck.fuse()

    with pytest.raises(TypeError) as caught:
        pyramid.fuse()

    assert str(caught.value) == (
        "the neck is a FusedNeck, but a Neck is required\n"
        "  hint: fuse the pyramid with the neck that can be trained in it"
    )


def test_what_is_no_type_of_numbers_is_told() -> None:
    with pytest.raises(TypeError) as caught:
        learned("resnet10t").fuse(torch.int8)

    assert str(caught.value) == (
        "dtype is torch.int8, but must be a floating-point type of torch, such as torch.bfloat16"
    )


def test_a_trace_is_right_for_other_images() -> None:
    fused = learned("tf_mobilenetv3_small_minimal_100").fuse()

    with torch.no_grad():
        traced = trace(fused, image(64, 96), strict=False)

    assert_equal_maps(OrderedDict(traced(image(97, 65))), fused(image(97, 65)))


@pytest.mark.exports
def test_an_exported_program_is_right_for_other_images() -> None:
    fused = learned("resnet10t").fuse()
    sides = {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}

    with torch.no_grad():
        program = torch.export.export(fused, (image(128, 160),), dynamic_shapes=(sides,)).module()

    assert_equal_maps(program(image(193, 257)), fused(image(193, 257)))


def test_a_detector_of_torchvision_finds_the_same_with_it() -> None:
    pyramid = learned("resnet10t", "bifpn")
    anchors = anchor_generator(pyramid)
    detector = RetinaNet(pyramid, num_classes=3, anchor_generator=anchors, min_size=64, score_thresh=0.0)
    detector = detector.double().eval()
    given = list(torch.rand(2, 3, 64, 96, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    expected = detector(given)

    detector.backbone = pyramid.fuse()

    check(detector)
    assert len(expected[0]["boxes"]) > 0
    for found, wanted in zip(detector(given), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("device", "dtype", "rounded", "layout"),
    [
        pytest.param("cuda", torch.float32, False, torch.contiguous_format, id="a GPU in strict float32"),
        pytest.param("cuda", torch.float32, True, torch.channels_last, id="a GPU with TF32"),
        pytest.param("cuda", torch.bfloat16, False, torch.channels_last, id="a GPU in bfloat16"),
        pytest.param("cpu", torch.float32, False, torch.channels_last, id="a processor"),
    ],
)
def test_a_backbone_is_laid_out_as_it_was_measured_to_be_fastest(
    device: str, dtype: torch.dtype, rounded: bool, layout: torch.memory_format
) -> None:
    before = torch.backends.cudnn.allow_tf32

    try:
        torch.backends.cudnn.allow_tf32 = rounded

        assert fastest_layout(torch.device(device), dtype) == layout
    finally:
        torch.backends.cudnn.allow_tf32 = before


def test_a_move_lays_the_backbone_out_anew_and_the_maps_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fused = learned("efficientnet_lite0").fuse()
    expected = fused(image(64, 96))
    on_a_gpu = {torch.float64: torch.contiguous_format}
    monkeypatch.setattr(fused_pyramid, "fastest_layout", lambda device, dtype: on_a_gpu.get(dtype, torch.channels_last))

    fused.to(torch.float64)

    weights = [weight for weight in fused.backbone.parameters() if weight.dim() == 4]
    assert {weight.stride() for weight in weights} == {torch.empty(weight.shape).stride() for weight in weights}
    given = image(64, 96)
    assert fused.taken(given) is given
    assert_equal_maps(fused(given), expected)
    fused.to(torch.float32)
    weights = [weight for weight in fused.backbone.parameters() if weight.dim() == 4]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
    assert fused.taken(given.float()).is_contiguous(memory_format=torch.channels_last)


def test_a_layout_that_somebody_chose_is_kept() -> None:
    fused = learned("resnet10t").fuse().to(memory_format=torch.contiguous_format)

    fused.eval().to("cpu")

    assert all(weight.is_contiguous() for weight in fused.backbone.parameters())
