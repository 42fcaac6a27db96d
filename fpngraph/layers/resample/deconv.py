"""Transposed convolution."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class Deconv(nn.ConvTranspose2d):
    """Transposed convolution with the ratio as stride.

    With the ratio as kernel too each pixel becomes a square of pixels, and no two overlap; with a larger kernel, by
    an even number, squares overlap, and what lies outside of the map is cut off.

    Shape: [B, C, H, W] to [B, out_channels, ratio * H, ratio * W].
    """

    def __init__(
        self, in_channels: int, out_channels: int, ratio: int, *, kernel: int | None = None, bias: bool = True
    ) -> None:
        kernel = ratio if kernel is None else kernel
        super().__init__(in_channels, out_channels, kernel, ratio, padding=(kernel - ratio) // 2, bias=bias)

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:  # type: ignore[override]  # size is no list here
        return super().forward(x)
