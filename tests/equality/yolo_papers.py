"""The path aggregations of YOLOv6 and YOLOv7, from arXiv:2301.05586 and arXiv:2207.02696 in plain torch.

Modules have the names of our nodes, and hold their parts in the order of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def bn(channels: int) -> nn.Module:
    """The batch norm of both."""
    return nn.BatchNorm2d(channels, eps=0.001, momentum=0.03)


def conv(in_channels: int, channels: int, kernel: int, stride: int, act: nn.Module) -> nn.Sequential:
    """A convolution, its norm, an activation."""
    layer = nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, bn(channels), act)


class Rep(nn.Module):
    """Convolutions of 3x3 and 1x1, each with a norm, added; with the norm of the map where the channels stay."""

    def __init__(self, in_channels: int, channels: int, act: nn.Module) -> None:
        super().__init__()
        self.large = nn.Sequential(nn.Conv2d(in_channels, channels, 3, padding=1, bias=False), bn(channels))
        self.small = nn.Sequential(nn.Conv2d(in_channels, channels, 1, bias=False), bn(channels))
        self.itself = bn(channels) if in_channels == channels else None
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        y = self.large(x) + self.small(x)
        y = y if self.itself is None else y + self.itself(x)
        result: Tensor = self.act(y)
        return result


def reps(in_channels: int, channels: int, count: int) -> nn.Sequential:
    """Some of them, one after the other."""
    return nn.Sequential(*(Rep(channels if it else in_channels, channels, nn.ReLU()) for it in range(count)))


class Scaled(nn.Module):
    """A map times a learned number."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.alpha * x


class Pair(nn.Module):
    """Two convolutions of 3x3, or RepVGG blocks, to which a learned share of the map is added."""

    def __init__(self, channels: int, act: nn.Module, *, plain: bool) -> None:
        super().__init__()
        self.first, self.second = (
            conv(channels, channels, 3, 1, act) if plain else Rep(channels, channels, act) for _ in range(2)
        )
        self.scaled = Scaled()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(self.first(x)) + self.scaled(x)
        return y


class CspStackRep(nn.Module):
    """Some pairs behind a 1x1 convolution, joined with what another one gives."""

    def __init__(
        self, in_channels: int, channels: int, inner: int, count: int, act: nn.Module, *, plain: bool = False
    ) -> None:
        super().__init__()
        self.worked = conv(in_channels, inner, 1, 1, act)
        self.pairs = nn.Sequential(*(Pair(inner, act, plain=plain) for _ in range(count)))
        self.passed = conv(in_channels, inner, 1, 1, act)
        self.last = conv(2 * inner, channels, 1, 1, act)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(torch.cat([self.pairs(self.worked(x)), self.passed(x)], dim=1))
        return y


Stage = Callable[[int, int], nn.Module]
"""What makes a stage of the channels that come in and those that come out."""


class BiFusion(nn.Module):
    """A map, one of the next coarser and one of the next finer level, joined."""

    def __init__(self, coarse: int, own: int, fine: int, channels: int, stage: Stage) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(coarse, channels, 2, 2)
        self.own = conv(own, channels, 1, 1, nn.ReLU())
        self.down = nn.Sequential(conv(fine, channels, 1, 1, nn.ReLU()), conv(channels, channels, 3, 2, nn.ReLU()))
        self.join = conv(3 * channels, channels, 1, 1, nn.ReLU())
        self.blocks = stage(channels, channels)

    def forward(self, coarse: Tensor, own: Tensor, fine: Tensor) -> Tensor:
        y: Tensor = self.blocks(self.join(torch.cat([self.up(coarse), self.own(own), self.down(fine)], dim=1)))
        return y


class Yolov6(nn.Module):
    """Maps of strides 4 to 32, whose sides divide by 8 at the first, to strides 8 to 32 of the channels ``width``."""

    def __init__(self, given: Sequence[int], width: Sequence[int], stage: Stage) -> None:
        super().__init__()
        w3, w4, w5 = width
        self.R5 = conv(given[3], w4, 1, 1, nn.ReLU())
        self.B4 = BiFusion(w4, given[2], given[1], w4, stage)
        self.R4 = conv(w4, w3, 1, 1, nn.ReLU())
        self.B3 = BiFusion(w3, given[1], given[0], w3, stage)
        self.N4 = nn.ModuleList([conv(w3, w3, 3, 2, nn.ReLU()), stage(2 * w3, w4)])
        self.N5 = nn.ModuleList([conv(w4, w4, 3, 2, nn.ReLU()), stage(2 * w4, w5)])

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        c2, c3, c4, c5 = maps
        r5 = self.R5(c5)
        r4 = self.R4(self.B4(r5, c4, c3))
        p3 = self.B3(r4, c3, c2)
        p4 = self.N4[1](torch.cat([self.N4[0](p3), r4], dim=1))
        return [p3, p4, self.N5[1](torch.cat([self.N5[0](p4), r5], dim=1))]


class ElanStage(nn.Module):
    """Two convolutions of 1x1, a row of 3x3 behind the second; each ``step``-th result joined, the last one first."""

    def __init__(self, given: int, channels: int, inner: tuple[int, int], blocks: int, *, step: int = 1) -> None:
        super().__init__()
        wide, narrow = inner
        self.step = step
        self.second = conv(given, wide, 1, 1, nn.SiLU())
        row = (conv(narrow if it else wide, narrow, 3, 1, nn.SiLU()) for it in range(step * blocks))
        self.row = nn.ModuleList(row)
        self.first = conv(given, wide, 1, 1, nn.SiLU())
        self.last = conv(2 * wide + blocks * narrow, channels, 1, 1, nn.SiLU())

    def forward(self, x: Tensor) -> Tensor:
        row = [self.second(x)]
        for layer in self.row:
            row.append(layer(row[-1]))
        y: Tensor = self.last(torch.cat([*row[:: self.step][::-1], self.first(x)], dim=1))
        return y


class SppCspc(nn.Module):
    """Maxima in three windows between convolutions, joined with what one convolution of 1x1 gives."""

    def __init__(self, given: int, channels: int) -> None:
        super().__init__()
        kernels = (1, 3, 1)
        widths = (given, channels, channels)
        self.before = nn.Sequential(
            *(conv(width, channels, kernel, 1, nn.SiLU()) for width, kernel in zip(widths, kernels, strict=True))
        )
        self.after = nn.Sequential(
            conv(4 * channels, channels, 1, 1, nn.SiLU()), conv(channels, channels, 3, 1, nn.SiLU())
        )
        self.passed = conv(given, channels, 1, 1, nn.SiLU())
        self.last = conv(2 * channels, channels, 1, 1, nn.SiLU())

    def forward(self, x: Tensor) -> Tensor:
        y = self.before(x)
        pooled = [F.max_pool2d(y, side, 1, side // 2) for side in (5, 9, 13)]
        result: Tensor = self.last(torch.cat([self.after(torch.cat([y, *pooled], dim=1)), self.passed(x)], dim=1))
        return result


class Yolov7(nn.Module):
    """Maps of strides 8 to 32, whose sides divide by 4 at the first, to the same of the channels ``out``.

    ``stage`` and ``last`` make what joins maps, and what comes after it.
    """

    def __init__(
        self, given: Sequence[int], width: Sequence[int], out: Sequence[int], stage: Stage, last: Stage
    ) -> None:
        super().__init__()
        (w3, w4, w5), (c3, c4, c5) = width, given

        def one(in_channels: int, channels: int) -> nn.Module:
            return conv(in_channels, channels, 1, 1, nn.SiLU())

        def down(channels: int) -> list[nn.Module]:
            strided = nn.Sequential(one(channels, channels), conv(channels, channels, 3, 2, nn.SiLU()))
            return [strided, one(channels, channels)]

        self.S5 = SppCspc(c5, w5)
        self.T4 = nn.ModuleList([one(c4, w4), one(w5, w4), stage(2 * w4, w4)])
        self.T3 = nn.ModuleList([one(c3, w3), one(w4, w3), stage(2 * w3, w3)])
        self.N4 = nn.ModuleList([*down(w3), stage(2 * w3 + w4, w4)])
        self.N5 = nn.ModuleList([*down(w4), stage(2 * w4 + w5, w5)])
        self.P3, self.P4, self.P5 = (last(a, b) for a, b in zip(width, out, strict=True))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        c3, c4, c5 = maps

        def up(parts: nn.Module, own: Tensor, coarse: Tensor) -> Tensor:
            lateral, less, stage = parts.children()
            larger = less(coarse).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
            y: Tensor = stage(torch.cat([lateral(own), larger], dim=1))
            return y

        def down(parts: nn.Module, fine: Tensor, own: Tensor) -> Tensor:
            strided, pooled, stage = parts.children()
            y: Tensor = stage(torch.cat([strided(fine), pooled(F.max_pool2d(fine, 2)), own], dim=1))
            return y

        s5 = self.S5(c5)
        t4 = up(self.T4, c4, s5)
        t3 = up(self.T3, c3, t4)
        n4 = down(self.N4, t3, t4)
        return [self.P3(t3), self.P4(n4), self.P5(down(self.N5, n4, s5))]
