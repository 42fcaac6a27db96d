"""Pixels to channels, and channels to pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.layers.padding import steps
from fpngraph.layers.tracing import certain, is_traced


class PixelShuffle(nn.PixelShuffle):
    """``ratio ** 2`` channels become a square of pixels, row by row (arXiv:1609.05158).

    Shape: [B, C * ratio**2, H, W] to [B, C, ratio * H, ratio * W].
    """

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:  # type: ignore[override]  # torch's takes no size
        return super().forward(x)


class SpaceToDepth(nn.Module):
    """A square of pixels, row by row, becomes ``ratio ** 2`` channels, and a map beyond its end counts as zeros.

    The channels of one that comes in lie side by side, as in torch's ``PixelUnshuffle``.

    Shape: [B, C, H, W] to [B, C * ratio**2, ceil(H / ratio), ceil(W / ratio)].
    """

    def __init__(self, ratio: int) -> None:
        super().__init__()
        self.ratio = ratio

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        ratio, (rows, columns) = self.ratio, x.shape[-2:]
        whole = certain(steps(rows, ratio) * ratio == rows) and certain(steps(columns, ratio) * ratio == columns)
        if whole and not is_traced():
            return F.pixel_unshuffle(x, ratio)
        # a program that leaves sizes open takes every ratio-th pixel: it cannot tell that the ratio divides a side
        x = F.pad(x, (0, ratio - 1, 0, ratio - 1))
        x = torch.stack([x[:, :, first : rows + first : ratio] for first in range(ratio)], dim=2)
        x = torch.stack([x[..., first : columns + first : ratio] for first in range(ratio)], dim=3)
        return x.flatten(1, 3)

    def extra_repr(self) -> str:
        return str(self.ratio)
