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

    def absorb(self, scale: Tensor, shift: Tensor) -> None:
        """Take in a scale and a shift of the result, of a value for each channel or of one for all."""
        scale, shift = (value.expand(self.out_channels) for value in (scale.double(), shift.double()))
        if self.bias is not None:
            shift = shift + self.bias.double() * scale
        scaled = self.weight.double() * scale.view(1, -1, 1, 1)
        self.bias = nn.Parameter(shift.to(self.weight.dtype), requires_grad=False)
        self.weight = nn.Parameter(scaled.to(self.weight.dtype), requires_grad=False)
