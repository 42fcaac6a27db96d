"""The shared features of COBICount, written from arXiv:2609.39366 Sec. III-C with torch's modules alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Counting(nn.Module):
    """Maps from fine to coarse to one of the finest level; sides divide by 8 there."""

    def __init__(self, given: Sequence[int], channels: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(it, channels, 1) for it in given)
        self.smooth = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in given)
        blocks = []
        for count in (len(given) * channels, channels):
            blocks += [nn.Conv2d(count, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.SiLU()]
        self.fuse = nn.Sequential(*blocks)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        merged = [layer(x) for layer, x in zip(self.lateral, maps, strict=True)]
        for index in range(len(merged) - 1, 0, -1):
            merged[index - 1] = merged[index - 1] + merged[index].repeat_interleave(2, 2).repeat_interleave(2, 3)
        pyramid = [layer(x) for layer, x in zip(self.smooth, merged, strict=True)]
        size = pyramid[0].shape[2:]
        resized = [F.interpolate(x, size, mode="bilinear", align_corners=False) for x in pyramid]
        return [self.fuse(torch.cat(resized, dim=1))]
