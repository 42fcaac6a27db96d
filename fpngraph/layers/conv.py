"""Convolutions that torch has no module for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.feature import PaddingRule
from fpngraph.layers.layout import channels_last, is_ours
from fpngraph.layers.padding import before, fits, pad, steps
from fpngraph.layers.tracing import at_least, is_traced
from fpngraph.layers.unset import made


class PaddedConv2d(nn.Conv2d):
    """Convolution that gives ceil(n / stride) pixels of n for every kernel, even ones too, and each padding.

    Shape: [B, C, H, W] to [B, out_channels, ceil(H / stride), ceil(W / stride)].
    """

    def __init__(  # noqa: PLR0913  (as many as torch's own)
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: PaddingRule = "symmetric",
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        device: str | None = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel, stride, dilation=dilation, groups=groups, bias=bias, device=device
        )
        self.rule = padding
        self.reach = dilation * (kernel - 1) + 1

    def forward(self, x: Tensor, size: Sequence[int] | None = None) -> Tensor:
        """The convolved map. ``size``, which a down-sampler is given, does not change what a stride gives."""
        stride, reach = self.stride[0], self.reach
        height, width = x.shape[-2:]
        starts = (before(height, reach, stride, self.rule), before(width, reach, stride, self.rule))
        if not all(fits(n, start, reach, stride) for n, start in zip((height, width), starts, strict=True)):
            x, starts = pad(x, reach, starts), (0, 0)
        return F.conv2d(x, self.weight, self.bias, self.stride, starts, self.dilation, self.groups)

    def extra_repr(self) -> str:
        inherited: str = super().extra_repr()  # type: ignore[no-untyped-call]  # torch has no hints here
        return f"{inherited}, rule={self.rule}"


class UncopiedConv2d(nn.Module):
    """A convolution of a square kernel with TensorFlow's padding for inference, which never copies the map to pad it.

    Where one more pixel is needed after the map than before it, its kernel has a row or column of zeros in front, so
    that the padding is the same at both ends. Made from a convolution whose weights it copies.

    Shape: [B, C, H, W] to [B, out_channels, ceil(H / stride), ceil(W / stride)].
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight = nn.Parameter(F.pad(conv.weight.detach(), (1, 0, 1, 0)), requires_grad=False)
        self.bias = None if conv.bias is None else nn.Parameter(conv.bias.detach().clone(), requires_grad=False)
        self.kernel, self.stride, self.groups = conv.kernel_size[0], conv.stride[0], conv.groups

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        if is_traced():  # a kernel whose side depends on the map's goes into no program
            x = pad(x, self.kernel, (self._start(height), self._start(width)))
            return F.conv2d(x, self.weight[..., 1:, 1:], self.bias, self.stride, groups=self.groups)
        (top, rows), (left, columns) = self._side(height), self._side(width)
        weight = self.weight[..., rows:, columns:]
        return F.conv2d(x, weight, self.bias, self.stride, (top, left), groups=self.groups)

    def _start(self, n: int) -> int:
        return before(n, self.kernel, self.stride, "same")

    def _side(self, n: int) -> tuple[int, int]:
        """Padding at both ends of ``n`` pixels, and the first row of the kernel that is used."""
        total = at_least((steps(n, self.stride) - 1) * self.stride + self.kernel - n, 0)
        return total - total // 2, 1 - total % 2


class SeparableConv2d(nn.Module):
    """Depthwise convolution without a bias, then a pointwise one (arXiv:1704.04861 Sec. 3.1). Keeps the size."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 3, *, dilation: int = 1, bias: bool = True
    ) -> None:
        super().__init__()
        self.depthwise = same_size_conv(in_channels, in_channels, kernel, dilation, groups=in_channels, bias=False)
        self.pointwise = made(nn.Conv2d, in_channels, out_channels, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pointwise(self.depthwise(x))
        return y


class Pointwise(nn.Conv2d):
    """A 1x1 convolution that, on a CPU, is one matrix product over the pixels of all maps.

    A single contiguous map needs no copy for it: its transpose goes into the product. Nor do some of the channels of a
    map that lies ``channels_last``.

    Shape: [B, C, H, W] to [B, out_channels, H, W], which lies ``channels_last``.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not is_ours(x):
            return super().forward(x)
        batch, _, height, width = x.shape
        if batch == 1 and x.is_contiguous():
            pixels = x[0].flatten(1).t()
        else:
            pixels = (x if x.stride(1) == 1 else channels_last(x)).permute(0, 2, 3, 1).flatten(0, 2)
        weight = self.weight.flatten(1).t()
        y = pixels.mm(weight) if self.bias is None else torch.addmm(self.bias, pixels, weight)
        return y.view(batch, height, width, self.out_channels).permute(0, 3, 1, 2)


def pointwise(conv: nn.Conv2d) -> Pointwise:
    """A 1x1 convolution with the weights of ``conv``, which is one too."""
    product = Pointwise(conv.in_channels, conv.out_channels, 1, device="meta")
    product.weight, product.bias = conv.weight, conv.bias
    return product


def same_padded(conv: nn.Conv2d) -> PaddedConv2d:
    """A convolution with TensorFlow's padding and the weights of ``conv``, whose kernel is square."""
    padded = PaddedConv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size[0],
        stride=conv.stride[0],
        padding="same",
        dilation=conv.dilation[0],
        groups=conv.groups,
        device="meta",
    )
    padded.weight, padded.bias = conv.weight, conv.bias
    return padded


def is_pointwise(conv: nn.Module) -> bool:
    """Whether ``conv`` is torch's own 1x1 convolution of stride 1, each result from all channels of its pixel."""
    return (
        type(conv) is nn.Conv2d and (*conv.kernel_size, *conv.stride, conv.groups) == (1,) * 5 and not any(conv.padding)
    )


def same_size_conv(  # noqa: PLR0913  (as many as torch's own)
    in_channels: int, out_channels: int, kernel: int, dilation: int = 1, *, groups: int = 1, bias: bool = True
) -> nn.Conv2d:
    """Convolution of stride 1 that keeps the size: torch's own where padding before and after is equal."""
    total = dilation * (kernel - 1)
    if total % 2:
        return made(PaddedConv2d, in_channels, out_channels, kernel, dilation=dilation, groups=groups, bias=bias)
    padding = total // 2
    return made(
        nn.Conv2d, in_channels, out_channels, kernel, padding=padding, dilation=dilation, groups=groups, bias=bias
    )
