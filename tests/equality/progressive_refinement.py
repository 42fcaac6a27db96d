"""The Progressive Refinement Neck of PRNet (arXiv:2510.09531) in plain torch.

Modules have the names of our nodes, and hold their parts in the order of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from tests.equality.multi_branch import twice
from tests.equality.yolo_papers import conv


def silu(in_channels: int, channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A convolution, its norm, an activation."""
    return conv(in_channels, channels, kernel, stride, nn.SiLU())


class Added(nn.Module):
    """Two 3x3 convolutions, whose result is added to the map."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(silu(channels, inner, 3), silu(inner, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.layers(x)
        return y


class Partial(nn.Module):
    """Two such blocks of half of the channels beside a 1x1 convolution, joined by another."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        part = channels // 2
        self.main = nn.Sequential(silu(channels, part, 1), Added(part, part), Added(part, part))
        self.side, self.join = silu(channels, part, 1), silu(2 * part, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.join(torch.cat([self.main(x), self.side(x)], dim=1))
        return y


class Stage(nn.Module):
    """YOLO11's: two halves, a block of the second, all three joined; ``deep`` says which block."""

    def __init__(self, in_channels: int, channels: int, *, deep: bool = False) -> None:
        super().__init__()
        part = channels // 2
        self.enter = silu(in_channels, channels, 1)
        self.block = Partial(part) if deep else Added(part, part // 2)
        self.leave = silu(3 * part, channels, 1)

    def forward(self, *maps: Tensor) -> Tensor:
        first, second = self.enter(torch.cat(maps, dim=1)).chunk(2, dim=1)
        y: Tensor = self.leave(torch.cat([first, second, self.block(second)], dim=1))
        return y


class Prn(nn.Module):
    """Maps of strides 4 to 32 to those of strides 4 to 16."""

    def __init__(self, given: Sequence[int], width: Mapping[int, int]) -> None:
        super().__init__()
        c2, c3, c4, c5 = given
        w2, w3, w4 = width[2], width[3], width[4]
        self.T4, self.T3, self.T2 = Stage(c5 + c4, w4, deep=True), Stage(w4 + c3, w3), Stage(w3 + c2, w2)
        self.from2, self.D3, self.E3 = silu(w2, w3, 3, 2), Stage(w3, w4, deep=True), Stage(w4 + c3, w3)
        self.E2 = Stage(c2 + w2 + w3, w3)
        self.G3, self.from3, self.F4 = silu(w3, w2, 3, 2), silu(w2, w3, 3, 2), Stage(w3, w4)
        self.F3, self.F2 = Stage(w4 + c3, w3), Stage(c2 + w3 + w3, w2)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        c2, c3, c4, c5 = maps
        t2 = self.T2(twice(self.T3(twice(self.T4(twice(c5), c4)), c3)), c2)
        e3 = self.E3(self.D3(self.from2(t2)), c3)
        e2 = self.E2(c2, t2, twice(e3))
        f4 = self.F4(self.from3(self.G3(e2)))
        f3 = self.F3(twice(f4), c3)
        return [self.F2(c2, e2, twice(f3)), f3, f4]
