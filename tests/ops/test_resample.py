from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fpngraph.feature import Feature, Padding, Size
from fpngraph.layers.resample.pool import AvgPool as AvgPoolModule
from fpngraph.layers.resample.pool import MaxPool as MaxPoolModule
from fpngraph.ops import Cost, Down, Mismatch, Site
from fpngraph.ops.resample.deconv import Deconv
from fpngraph.ops.resample.interpolate import BilinearUp, NearestUp
from fpngraph.ops.resample.pool import AvgPool, MaxPool
from fpngraph.ops.resample.shuffle import PixelShuffle, SpaceToDepth
from fpngraph.ops.resample.strided_conv import StridedConv
from tests.necks import maps, neck_of
from tests.ops import forms

C3 = (Feature(3, 12),)


@pytest.mark.parametrize(
    ("op", "side", "rule"),
    [
        (MaxPool(), 5, "same"),
        (AvgPool(), 5, "same"),
        (MaxPool(kernel="ratio"), 4, "after"),
        (AvgPool(kernel=2), 2, "same"),
    ],
    ids=["max, default", "avg, default", "ratio", "number"],
)
def test_a_pool_takes_a_window_of_ratio_plus_one_unless_told(op: Down, side: int, rule: str) -> None:
    module = op.build(C3, Site(ratio=4, padding="same"))

    assert isinstance(module, (MaxPoolModule, AvgPoolModule))
    assert (module.kernel, module.stride, module.padding) == (side, 4, rule)


@pytest.mark.parametrize(("ratio", "levels"), [(2, 1), (4, 2), (8, 3)])
def test_a_resampler_moves_the_level_by_the_ratio(ratio: int, levels: int) -> None:
    assert MaxPool().infer(C3, Site(ratio=ratio)) == Feature(3 + levels, 12)
    assert NearestUp().infer(C3, Site(ratio=ratio)) == Feature(3 - levels, 12)


@pytest.mark.parametrize(("channels", "expected"), [(None, 12), (8, 8)], ids=["the source's", "the place's"])
def test_a_strided_convolution_gives_the_channels_of_its_place_or_of_its_source(
    channels: int | None, expected: int
) -> None:
    assert StridedConv().infer(C3, Site(channels=channels, ratio=2)) == Feature(4, expected)


def test_a_strided_convolution_costs_what_it_does_at_the_size_that_comes_out() -> None:
    op = StridedConv(kernel="ratio", groups=4)

    cost = op.cost(C3, Site(channels=8, ratio=4), Size(9, 13), Size(3, 4))

    assert cost == Cost(3 * 8 * 16 + 8, 3 * 8 * 16 * 12)


@pytest.mark.parametrize("padding", ["symmetric", "same"])
@pytest.mark.parametrize("ratio", [2, 4, 8])
def test_a_kernel_of_the_ratio_starts_with_the_first_pixel(ratio: int, padding: Padding) -> None:
    module = StridedConv(kernel="ratio").build(C3, Site(channels=8, ratio=ratio, padding=padding)).double()

    for height, width in ((16, 24), (17, 9), (3, 2)):
        x = torch.randn(2, 12, height, width, dtype=torch.float64)
        beyond = F.pad(x, (0, -width % ratio, 0, -height % ratio))
        expected = F.conv2d(beyond, module.get_parameter("weight"), module.get_parameter("bias"), ratio)
        torch.testing.assert_close(module(x, expected.shape[-2:]), expected)


def test_groups_of_a_strided_convolution_must_divide_the_channels() -> None:
    with pytest.raises(Mismatch) as caught:
        StridedConv(groups=3).infer(C3, Site(channels=8, ratio=2))

    assert caught.value.reason == "has 3 groups, which do not divide the 8 channels it gives"
    assert caught.value.hint == "set 'groups' to a divisor of both 12 and 8"


def test_a_strided_convolution_before_a_norm_has_no_bias() -> None:
    module = StridedConv().build(C3, Site(channels=8, ratio=2, bias=False))

    assert isinstance(module, nn.Conv2d)
    assert module.bias is None


@pytest.mark.parametrize(
    ("op", "channels", "expected"),
    [(Deconv(), None, 12), (Deconv(), 8, 8), (Deconv(reduction=3), 8, 4)],
    ids=["the source's", "the place's", "a part of the source's"],
)
def test_a_deconvolution_gives_the_channels_of_its_place_or_a_part_of_its_source(
    op: Deconv, channels: int | None, expected: int
) -> None:
    assert op.infer(C3, Site(channels=channels, ratio=2)) == Feature(2, expected)


def test_a_reduction_must_divide_the_channels() -> None:
    with pytest.raises(Mismatch) as caught:
        Deconv(reduction=5).infer(C3, Site(ratio=2))

    assert caught.value.reason == "has a reduction of 5, which does not divide the 12 channels"


def test_a_deconvolution_costs_what_it_does_at_the_size_that_goes_in() -> None:
    cost = Deconv().cost(C3, Site(channels=8, ratio=4), Size(2, 3), Size(8, 12))

    assert cost == Cost(12 * 8 * 16 + 8, 12 * 8 * 16 * 6)


def test_a_strided_convolution_gives_its_own_channels_before_those_that_the_node_needs() -> None:
    op, site = StridedConv(channels=8, groups=4), Site(channels=16, ratio=2)

    assert op.infer((Feature(3, 12),), site) == Feature(4, 8)
    assert op.build((Feature(3, 12),), site).weight.shape == (8, 3, 3, 3)


@pytest.mark.parametrize(("ratio", "kernel"), [(2, 4), (2, 6), (4, 4), (4, 8)], ids=str)
def test_a_larger_kernel_of_a_deconvolution_is_padded_alike_on_both_sides(ratio: int, kernel: int) -> None:
    module = Deconv(kernel=kernel).build(C3, Site(channels=8, ratio=ratio)).double()
    x = torch.randn(2, 12, 5, 4, dtype=torch.float64)

    y = module(x, (5 * ratio, 4 * ratio))

    weight, bias = module.get_parameter("weight"), module.get_parameter("bias")
    assert weight.shape[2:] == (kernel, kernel)
    cut = (kernel - ratio) // 2
    whole = F.conv_transpose2d(x, weight, bias, ratio)
    expected = whole[..., cut : whole.shape[2] - cut, cut : whole.shape[3] - cut]
    torch.testing.assert_close(y, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("kernel", [1, 3, 5], ids=str)
def test_a_kernel_of_a_deconvolution_that_gives_another_size_is_refused(kernel: int) -> None:
    with pytest.raises(Mismatch) as caught:
        Deconv(kernel=kernel).infer(C3, Site(ratio=2))

    assert caught.value.reason == f"has a kernel of {kernel}, but the ratio of the edge is 2"
    assert caught.value.hint == "set 'kernel' to 2, 4 or another number that is larger by an even one"


def test_a_larger_kernel_costs_what_it_does() -> None:
    cost = Deconv(kernel=6).cost(C3, Site(channels=8, ratio=4), Size(2, 3), Size(8, 12))

    assert cost == Cost(12 * 8 * 36 + 8, 12 * 8 * 36 * 6)


@pytest.mark.parametrize("bias", [False, True], ids=["no bias", "bias"])
def test_a_norm_after_a_deconvolution_is_taken_into_it(bias: bool) -> None:
    up = f"up: [{{deconv: {{kernel: 4, bias: {str(bias).lower()}}}}}, norm, act]"
    neck = neck_of(f"out4: {{inputs: [{{from: P5, {up}}}], channels: 8}}", outputs="[out4]").double()
    with torch.no_grad():
        for name, value in (*neck.named_parameters(), *neck.named_buffers()):
            if value.is_floating_point():
                value.uniform_(0.5, 1.5) if "var" in name else value.normal_()

    fused = neck.fuse()

    assert fused.unfolded == {}
    assert not any(isinstance(part, nn.BatchNorm2d) for part in fused.modules())
    given = [x.double() for x in maps(neck, 100, 84)]
    torch.testing.assert_close(fused(given), neck(given), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("align_corners", [False, True], ids=["not aligned", "aligned"])
def test_corners_of_an_enlarged_map_are_aligned_where_it_says_so(align_corners: bool) -> None:
    module = BilinearUp(align_corners=align_corners).build(C3, Site(ratio=2))
    x = torch.arange(3.0).view(1, 1, 1, 3)

    y = module(x, (1, 5)).flatten().tolist()

    # middles of five pixels lie 3/5 of a pixel apart, or half a pixel between the middles of the corner pixels
    assert y == pytest.approx([0, 0.5, 1, 1.5, 2] if align_corners else [0, 0.4, 1, 1.6, 2])


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("modern", [False, True], ids=["older exporter", "exporter"])
def test_aligned_corners_and_larger_kernels_are_written_as_onnx(modern: bool) -> None:
    for op in (BilinearUp(align_corners=True), Deconv(kernel=4)):
        forms.assert_is_written_as_onnx(op, (Feature(5, 4),), Site(ratio=2), modern=modern)


def test_a_shuffle_divides_the_channels_and_its_counterpart_multiplies_them() -> None:
    assert PixelShuffle().infer((Feature(3, 48),), Site(ratio=4)) == Feature(1, 3)
    assert SpaceToDepth().infer((Feature(3, 3),), Site(ratio=4)) == Feature(5, 48)


def test_channels_that_a_shuffle_cannot_divide_are_refused() -> None:
    with pytest.raises(Mismatch) as caught:
        PixelShuffle().infer((Feature(3, 6),), Site(ratio=2))

    assert caught.value.reason == "takes 6 channels, but needs a multiple of 4, the square of the edge's ratio"
    assert caught.value.hint == "put a convolution with 'channels' before it"
