"""The path aggregation of LiM-YOLO (arXiv:2512.09700), of YOLOv9's stages (arXiv:2402.13616), in plain torch.

Modules have the names of our nodes, and hold their parts in the order of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.equality.multi_branch import twice
from tests.equality.progressive_refinement import silu
from tests.equality.yolo_papers import bn


class Residual(nn.Module):
    """The sum of a 3x3 and a 1x1 convolution, then a 3x3 one; the map is added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        kernels = {
            3: nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            1: nn.Conv2d(channels, channels, 1, bias=False),
        }
        self.branches = nn.ModuleList(nn.Sequential(layer, bn(channels)) for layer in kernels.values())
        self.last = silu(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(F.silu(self.branches[0](x) + self.branches[1](x)))
        return x + y


class Csp(nn.Module):
    """Such blocks beside a 1x1 convolution, each of half of the channels that come out, and a 3x3 one behind both."""

    def __init__(self, in_channels: int, channels: int, blocks: int) -> None:
        super().__init__()
        half = channels // 2
        self.main = nn.Sequential(silu(in_channels, half, 1), *(Residual(half) for _ in range(blocks)))
        self.side, self.join = silu(in_channels, half, 1), silu(2 * half, channels, 1)
        self.last = silu(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.join(torch.cat([self.main(x), self.side(x)], dim=1)))
        return y


class Gelan(nn.Module):
    """Two halves and what comes of the second after one and after two stages, joined."""

    def __init__(self, in_channels: int, channels: int, blocks: int) -> None:
        super().__init__()
        half = channels // 2
        self.enter = silu(in_channels, channels, 1)
        self.first, self.second = Csp(half, half, blocks), Csp(half, half, blocks)
        self.leave = silu(4 * half, channels, 1)

    def forward(self, *maps: Tensor) -> Tensor:
        x = self.enter(torch.cat(maps, dim=1))
        y = self.first(x.chunk(2, dim=1)[1])
        result: Tensor = self.leave(torch.cat([x, y, self.second(y)], dim=1))
        return result


class Down(nn.Module):
    """Of the means of four pixels, half of the channels by a strided convolution and half by their maximum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.strided, self.pooled = silu(half, half, 3, 2), silu(half, half, 1)

    def forward(self, x: Tensor) -> Tensor:
        a, b = F.avg_pool2d(x, 2, 1).chunk(2, dim=1)
        return torch.cat([self.strided(a), self.pooled(F.max_pool2d(b, 3, 2, 1))], dim=1)


class LimYolo(nn.Module):
    """Maps of strides 4 to 16 to those of the same strides."""

    def __init__(self, given: Sequence[int], width: Mapping[int, int], blocks: int) -> None:
        super().__init__()
        c2, c3, c4 = given
        w2, w3, w4 = width[2], width[3], width[4]
        self.T3, self.T2 = Gelan(c4 + c3, w3, blocks), Gelan(w3 + c2, w2, blocks)
        self.down3, self.N3 = Down(w2), Gelan(w2 + w3, w3, blocks)
        self.down4, self.N4 = Down(w3), Gelan(w3 + c4, w4, blocks)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        c2, c3, c4 = maps
        t3 = self.T3(twice(c4), c3)
        t2 = self.T2(twice(t3), c2)
        n3 = self.N3(self.down3(t2), t3)
        return [t2, n3, self.N4(self.down4(n3), c4)]
