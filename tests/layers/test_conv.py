from __future__ import annotations

from itertools import product

import pytest
import torch
from timm.layers import Conv2dSame
from torch import nn
from torch.nn import functional as F

from fpngraph.feature import Padding
from fpngraph.layers.conv import PaddedConv2d, SeparableConv2d, is_pointwise, pointwise, same_padded, same_size_conv
from tests.layers.test_resample import calls, pads

PADDINGS: tuple[Padding, ...] = ("symmetric", "same")


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_strided_convolutions_equal_an_explicit_pad_and_convolution(padding: Padding, stride: int, kernel: int) -> None:
    conv = PaddedConv2d(2, 3, kernel, stride=stride, padding=padding).double()

    for height, width in product(range(1, 12), repeat=2):
        x = torch.randn(1, 2, height, width, dtype=torch.float64)
        rows, columns = (pads(n, kernel, stride, padding) for n in (height, width))
        expected = F.conv2d(F.pad(x, (*columns, *rows)), conv.weight, conv.bias, stride)
        torch.testing.assert_close(conv(x, (9, 9)), expected)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_timms_convolutions_with_tensorflows_padding_are_ours(
    kernel: int, stride: int, dilation: int, groups: int
) -> None:
    theirs = Conv2dSame(4, 6, kernel, stride, dilation=dilation, groups=groups).double()

    ours = same_padded(theirs)

    assert ours.weight is theirs.weight
    for height, width in product((1, 2, 5, 8, 11), repeat=2):
        x = torch.randn(2, 4, height, width, dtype=torch.float64)
        torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize(("padding", "n"), [("symmetric", 8), ("symmetric", 9), ("same", 9)])
def test_strided_convolutions_do_not_copy_their_input_where_padding_is_equal_on_both_ends(
    padding: Padding, n: int
) -> None:
    conv = PaddedConv2d(1, 1, 3, stride=2, padding=padding)

    assert calls(conv, torch.randn(1, 1, n, n), (1, 1)) == ["convolution"]


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_convolutions_of_stride_one_keep_the_size_and_equal_torchs_same_padding(kernel: int, dilation: int) -> None:
    conv = same_size_conv(2, 3, kernel, dilation)
    x = torch.randn(1, 2, 5, 7)
    before = dilation * (kernel - 1) // 2
    after = dilation * (kernel - 1) - before

    y = conv(x)

    expected = F.conv2d(F.pad(x, (before, after, before, after)), conv.weight, conv.bias, dilation=dilation)
    torch.testing.assert_close(y, expected)
    assert y.shape == (1, 3, 5, 7)


def test_a_convolution_that_torch_has_is_torchs_own() -> None:
    assert type(same_size_conv(2, 3, 3)) is nn.Conv2d
    assert type(same_size_conv(2, 3, 2, dilation=2)) is nn.Conv2d
    assert type(same_size_conv(2, 3, 2)) is PaddedConv2d


def test_only_the_pointwise_part_of_a_separable_convolution_has_a_bias() -> None:
    conv = SeparableConv2d(4, 6)

    shapes = {name: tuple(value.shape) for name, value in conv.state_dict().items()}

    assert shapes == {"depthwise.weight": (4, 1, 3, 3), "pointwise.weight": (6, 4, 1, 1), "pointwise.bias": (6,)}


@pytest.mark.parametrize(
    ("conv", "expected"),
    [
        pytest.param(nn.Conv2d(2, 4, 1), True, id="it"),
        pytest.param(nn.Conv2d(2, 4, 1, stride=2), False, id="stride"),
        pytest.param(nn.Conv2d(2, 4, 1, padding=1), False, id="padding"),
        pytest.param(nn.Conv2d(2, 4, 1, groups=2), False, id="groups"),
        pytest.param(nn.Conv2d(2, 4, (1, 3)), False, id="kernel"),
        pytest.param(PaddedConv2d(2, 4, 1), False, id="class"),
    ],
)
def test_only_torchs_own_full_convolution_of_each_pixel_is_pointwise(conv: nn.Conv2d, expected: bool) -> None:
    assert is_pointwise(conv) is expected


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_a_matrix_product_is_a_pointwise_convolution(bias: bool, batch: int, layout: torch.memory_format) -> None:
    conv = nn.Conv2d(3, 5, 1, bias=bias)
    x = torch.randn(batch, 3, 4, 6).to(memory_format=layout)

    y = pointwise(conv)(x)

    torch.testing.assert_close(y, conv(x))
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_a_matrix_product_copies_no_part_of_a_map_that_lies_channels_last(monkeypatch: pytest.MonkeyPatch) -> None:
    conv = nn.Conv2d(4, 5, 1)
    x = torch.randn(2, 8, 3, 6).contiguous(memory_format=torch.channels_last)[:, 3:7]
    monkeypatch.setattr("fpngraph.layers.conv.channels_last", pytest.fail)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        y = pointwise(conv)(x)

    torch.testing.assert_close(y, conv(x))
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert [event.key for event in profile.key_averages() if event.key in ("aten::clone", "aten::contiguous")] == []
