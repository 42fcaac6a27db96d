"""Enlargement by kernels that the map itself decides on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.layers.conv import same_size_conv
from fpngraph.layers.layout import is_channels_last
from fpngraph.layers.tracing import is_traced


class Carafe(nn.Module):
    """Each pixel that comes out is a mean of the pixels around the one it lies in, weighed by a softmax of its own.

    Two convolutions make ``kernel ** 2`` weights for each of the ``ratio ** 2`` pixels that a pixel becomes
    (arXiv:1905.02188 Sec. 3.2). Beyond the map are zeros. The names of the modules are those of mmcv.

    Shape: [B, C, H, W] to [B, C, ratio * H, ratio * W], laid out as the map is.
    """

    def __init__(self, channels: int, ratio: int, *, kernel: int, encoder: int, compressed: int) -> None:
        super().__init__()
        self.channel_compressor = nn.Conv2d(channels, compressed, 1)
        self.content_encoder = same_size_conv(compressed, (kernel * ratio) ** 2, encoder)
        self.kernel, self.ratio = kernel, ratio

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        batch, channels, height, width = x.shape
        weights = self.content_encoder(self.channel_compressor(x))
        weights = weights.reshape(batch, self.kernel**2, self.ratio**2, height, width).softmax(1)
        # of every pixel a matrix, of those it becomes by those around it, times one of those around it by channels
        y: Tensor = weights.permute(0, 3, 4, 2, 1) @ self._around(x)
        y = y.view(batch, height, width, self.ratio, self.ratio, channels).transpose(2, 3)
        y = y.reshape(batch, height * self.ratio, width * self.ratio, channels).permute(0, 3, 1, 2)
        if is_traced() or not is_channels_last(x):
            y = y.contiguous()
        return y

    def _around(self, x: Tensor) -> Tensor:
        """The pixels around each pixel: [B, H, W, kernel ** 2, C]."""
        height, width = x.shape[-2:]
        before, after = (self.kernel - 1) // 2, self.kernel // 2
        padded = F.pad(x, (before, after, before, after)).permute(0, 2, 3, 1)
        sides = range(self.kernel)
        shifted = [padded[:, row : row + height, column : column + width] for row in sides for column in sides]
        return torch.stack(shifted, dim=3)

    def extra_repr(self) -> str:
        return f"kernel={self.kernel}, ratio={self.ratio}"
