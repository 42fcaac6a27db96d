"""Pooling in windows of several sizes, side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Spp(nn.Module):
    """The map, and the maxima in windows around each pixel, along the channels (SPP, arXiv:1406.4729).

    One pooling after the other: ``n`` are one in windows of ``n * (kernel - 1) + 1`` pixels. Padding never wins.

    Shape: [B, C, H, W] to [B, (times + 1) * C, H, W].
    """

    def __init__(self, kernel: int = 5, times: int = 3) -> None:
        super().__init__()
        self.kernel, self.times = kernel, times

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for _ in range(self.times):
            maps.append(F.max_pool2d(maps[-1], self.kernel, 1, self.kernel // 2))
        return torch.cat(maps, dim=1)

    def extra_repr(self) -> str:
        return f"kernel={self.kernel}, times={self.times}"
