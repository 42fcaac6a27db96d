"""PaddleDetection's BiFPN, written from what its configuration says, and arXiv:1911.09070 Sec. 3, with torch alone.

Modules have the names of our nodes, and hold their parts in the order of ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Joined(nn.Module):
    """Maps of one size by normalised weights, an activation, a separable convolution, a norm."""

    def __init__(self, maps: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(maps))
        self.each = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.point = nn.Conv2d(channels, channels, 1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, *maps: Tensor) -> Tensor:
        positive = self.weight.clamp(min=0)
        share = positive / (positive.sum() + 1e-5)
        x = torch.einsum("n,nbchw->bchw", share, torch.stack(maps))
        y: Tensor = self.norm(self.point(self.each(x * torch.sigmoid(x))))
        return y


class Cell(nn.Module):
    """A way down from coarse to fine, and a way back that reads each inner level twice."""

    def __init__(self, levels: Sequence[int], channels: int) -> None:
        super().__init__()
        self.levels = levels
        last = levels[-1]
        down = {f"td{level}": Joined(2, channels) for level in levels[:-1]}
        back = {f"out{level}": Joined(2 if level == last else 3, channels) for level in levels[1:]}
        self.nodes = nn.ModuleDict(down | back)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        given = dict(zip(self.levels, maps, strict=True))
        first, last = self.levels[0], self.levels[-1]
        middle = {last: given[last]}
        for level in reversed(self.levels[:-1]):
            finer = F.interpolate(middle[level + 1], given[level].shape[2:], mode="nearest")
            middle[level] = self.nodes[f"td{level}"](given[level], finer)
        outputs = [middle[first]]
        for level in self.levels[1:]:
            pooled = F.max_pool2d(outputs[-1], 3, 2, 1)
            also = [] if level == last else [given[level]]
            outputs.append(self.nodes[f"out{level}"](middle[level], pooled, *also))
        return outputs


class PaddleBifpn(nn.Module):
    """Maps of the levels 3 to 5 to the levels 3 to 7, which have ``ceil`` pixels of the next finer one."""

    def __init__(self, given: Sequence[int], channels: int, repeats: int) -> None:
        super().__init__()

        def projected(in_channels: int, kernel: int, stride: int) -> nn.Module:
            layer = nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, bias=False)
            return nn.Sequential(layer, nn.BatchNorm2d(channels))

        self.lateral = nn.ModuleList(projected(it, 1, 1) for it in given)
        self.extra = projected(given[-1], 3, 2)
        self.cells = nn.ModuleList(Cell(range(3, 8), channels) for _ in range(repeats))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        now = [layer(x) for layer, x in zip(self.lateral, maps, strict=True)]
        now.append(self.extra(maps[-1]))
        now.append(F.max_pool2d(now[-1], 3, 2, 1))
        for cell in self.cells:
            now = cell(now)
        return now
