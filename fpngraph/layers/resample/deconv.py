"""Transposed convolution."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.layers.resample.interpolate import has_size


class Deconv(nn.ConvTranspose2d):
    """Transposed convolution with its stride as kernel: each pixel becomes a square of pixels, and no two overlap.

    What comes out in another size than the one wanted is resized to it by nearest.

    Shape: [B, C, H, W] to [B, out_channels, size[0], size[1]].
    """

    def __init__(self, in_channels: int, out_channels: int, ratio: int, *, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, ratio, ratio, bias=bias)

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:  # type: ignore[override]  # size is no list here
        x = F.conv_transpose2d(x, self.weight, self.bias, self.stride)
        return x if has_size(x, size) else F.interpolate(x, (size[0], size[1]), mode="nearest")
