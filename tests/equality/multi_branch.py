"""The path aggregation of MHAF-YOLO with auxiliary branches (arXiv:2502.04656) in plain torch.

Modules have the names of our nodes, and hold their parts in the order of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.equality.yolo_papers import bn, conv

KERNELS = {3: (5, 3, 1), 4: (7, 5, 3), 5: (9, 7, 5, 3)}


class Mixed(nn.Module):
    """Depthwise convolutions of several kernels, each with a norm, added, with one more norm and an activation."""

    def __init__(self, channels: int, kernels: Sequence[int]) -> None:
        super().__init__()
        layers = (nn.Conv2d(channels, channels, k, padding=k // 2, groups=channels, bias=False) for k in kernels)
        self.branches = nn.ModuleList(nn.Sequential(layer, bn(channels)) for layer in layers)
        self.norm = bn(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.norm(sum(branch(x) for branch in self.branches)))


class MultiScale(nn.Module):
    """Two halves: the second takes in the first, is convolved, and is joined to the first."""

    def __init__(self, in_channels: int, channels: int, kernels: Sequence[int]) -> None:
        super().__init__()
        half = channels // 2
        self.enter = conv(in_channels, channels, 1, 1, nn.SiLU())
        self.main = nn.Sequential(
            conv(half, 3 * half, 1, 1, nn.SiLU()),
            Mixed(3 * half, kernels),
            conv(3 * half, 3 * half, 1, 1, nn.SiLU()),
            Mixed(3 * half, kernels),
            conv(3 * half, half, 1, 1, nn.SiLU()),
        )
        self.leave = conv(channels, channels, 1, 1, nn.SiLU())

    def forward(self, *maps: Tensor) -> Tensor:
        first, second = self.enter(torch.cat(maps, dim=1)).chunk(2, dim=1)
        y: Tensor = self.leave(torch.cat([first, self.main(first + second)], dim=1))
        return y


class Mafpn(nn.Module):
    """Maps of strides 4 to 32 to those of strides 8 to 32."""

    def __init__(self, given: Sequence[int], width: Mapping[int, int]) -> None:
        super().__init__()
        c2, c3, c4, c5 = given
        w3, w4, w5 = width[3], width[4], width[5]
        self.S5 = MultiScale(c4 + c5, w5, KERNELS[5])
        self.S4 = MultiScale(c3 + c4 + c5 + w5, w4, KERNELS[4])
        self.S3 = MultiScale(c2 + c3 + c4 + w4, w3, KERNELS[3])
        self.P3 = MultiScale(w4 + w3, w3, KERNELS[3])
        self.down4, self.down5 = conv(w3, w3, 3, 2, nn.SiLU()), conv(w4, w4, 3, 2, nn.SiLU())
        self.P4 = MultiScale(w3 + w3 + w4 + w5, w4, KERNELS[4])
        self.P5 = MultiScale(w4 + w4 + w5, w5, KERNELS[5])

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        c2, c3, c4, c5 = maps
        s5 = self.S5(half(c4), c5)
        s4 = self.S4(half(c3), c4, twice(c5), twice(s5))
        s3 = self.S3(half(c2), c3, twice(c4), twice(s4))
        p3 = self.P3(twice(s4), s3)
        p4 = self.P4(self.down4(p3), half(s3), s4, twice(s5))
        return [p3, p4, self.P5(self.down5(p4), half(s4), s5)]


def half(x: Tensor) -> Tensor:
    """The means of squares of four pixels."""
    return F.avg_pool2d(x, 2)


def twice(x: Tensor) -> Tensor:
    """Each pixel four times."""
    return F.interpolate(x, scale_factor=2, mode="nearest")
