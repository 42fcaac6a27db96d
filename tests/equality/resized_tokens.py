"""DEIMv2's Spatial Tuning Adapter, written from arXiv:2509.20787 Sec. 2 with torch's modules alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Sta(nn.Module):
    """Three maps of stride 16, and a small network's maps of strides 8, 16 and 32, to one map of each of these."""

    def __init__(self, hidden: int, details: Sequence[int], channels: int) -> None:
        super().__init__()
        self.fuse = nn.ModuleList(nn.Conv2d(hidden + it, channels, 1) for it in details)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        outputs = []
        for factor, block, detail, layer in zip((2, 1, 0.5), maps[:3], maps[3:], self.fuse, strict=True):
            resized = F.interpolate(block, scale_factor=factor, mode="bilinear", align_corners=False)
            outputs.append(layer(torch.cat([resized, detail], dim=1)))
        return outputs
