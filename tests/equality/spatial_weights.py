"""ASFF and AFPN, written from arXiv:1911.09516 Sec. 3 and arXiv:2306.15988 Sec. 3 with torch's modules alone.

Modules have the names of our nodes, and hold their parts in the order of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv(in_channels: int, channels: int, kernel: int, stride: int = 1, *, pad: int = 0, slope: float = 0) -> nn.Module:
    """A convolution, its norm, and a rectifier with this slope below 0."""
    layer = nn.Conv2d(in_channels, channels, kernel, stride, pad, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.LeakyReLU(slope))


class Weighing(nn.Module):
    """The mean of maps of one size; every pixel of each map has a weight of its own."""

    def __init__(self, maps: int, channels: int, hidden: int, slope: float = 0) -> None:
        super().__init__()
        self.each = nn.ModuleList(conv(channels, hidden, 1, slope=slope) for _ in range(maps))
        self.all = nn.Conv2d(maps * hidden, maps, 1)

    def forward(self, *maps: Tensor) -> Tensor:
        joined = torch.cat([layer(x) for layer, x in zip(self.each, maps, strict=True)], dim=1)
        weights = torch.exp(self.all(joined))
        weights = weights / weights.sum(dim=1, keepdim=True)
        return torch.stack([weights[:, index : index + 1] * x for index, x in enumerate(maps)]).sum(dim=0)


class Asff(nn.Module):
    """Three maps of the widths ``inner``, fine to coarse, to as many of the widths ``width``; sides divide by 4."""

    def __init__(self, inner: Sequence[int], width: Sequence[int], hidden: int) -> None:
        super().__init__()
        fine, middle, coarse = inner

        def node(channels: int, *edges: nn.Module) -> nn.ModuleList:
            return nn.ModuleList([*edges, Weighing(3, channels, hidden, slope=0.1)])

        half, quarter = (conv(it, coarse, 3, 2, pad=1, slope=0.1) for it in (middle, fine))
        self.F5 = node(coarse, half, quarter)
        self.F4 = node(middle, conv(coarse, middle, 1, slope=0.1), conv(fine, middle, 3, 2, pad=1, slope=0.1))
        self.F3 = node(fine, conv(coarse, fine, 1, slope=0.1))
        self.P5, self.P4, self.P3 = (
            conv(a, b, 3, pad=1, slope=0.1) for a, b in zip(reversed(inner), reversed(width), strict=True)
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        c3, c4, c5 = maps
        half, quarter, weigh = self.F5
        p5 = self.P5(weigh(c5, half(c4), quarter(F.max_pool2d(c3, 3, 2, 1))))
        less, half, weigh = self.F4
        p4 = self.P4(weigh(enlarged(less(c5), 2), c4, half(c3)))
        less, weigh = self.F3
        p3 = self.P3(weigh(enlarged(less(c5), 4), enlarged(c4, 2), c3))
        return [p3, p4, p5]


def enlarged(x: Tensor, factor: int) -> Tensor:
    """Every pixel as a square of ``factor`` by ``factor``."""
    return x.repeat_interleave(factor, dim=2).repeat_interleave(factor, dim=3)


class Block(nn.Module):
    """Two convolutions and the map itself, added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels, 3, pad=1)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.second(self.first(x))).clamp(min=0)


class Joining(nn.Module):
    """One level of a stage of AFPN: the maps of all levels brought to it, weighed, and refined."""

    def __init__(self, own: int, width: Mapping[int, int], hidden: int, blocks: int) -> None:
        super().__init__()
        self.own, channels = own, width[own]
        self.edges = nn.ModuleDict()
        for level, given in width.items():
            if level < own:
                self.edges[str(level)] = conv(given, channels, 2 ** (own - level), 2 ** (own - level))
            elif level > own:
                self.edges[str(level)] = conv(given, channels, 1)
        self.weigh = Weighing(len(width), channels, hidden)
        self.smooth = conv(channels, channels, 3, pad=1)
        self.blocks = nn.Sequential(*(Block(channels) for _ in range(blocks)))

    def forward(self, maps: Mapping[int, Tensor]) -> Tensor:
        brought = []
        for level, x in maps.items():
            y = self.edges[str(level)](x) if level != self.own else x
            if level > self.own:
                y = F.interpolate(y, scale_factor=2 ** (level - self.own), mode="bilinear", align_corners=False)
            brought.append(y)
        y = self.blocks(self.smooth(self.weigh(*brought)))
        assert isinstance(y, Tensor)
        return y


class Afpn(nn.Module):
    """Maps of the levels 2 to 5, whose sides divide by 8 at level 2, to the levels 2 to 6."""

    def __init__(self, given: Sequence[int], width: Mapping[int, int], channels: int, hidden: int, blocks: int) -> None:
        super().__init__()
        reduced = zip(width, given, width.values(), strict=True)
        self.reduce = nn.ModuleDict({f"X{it}": nn.Sequential(conv(a, b, 1), conv(b, b, 1)) for it, a, b in reduced})
        for name, last in (("two", 3), ("three", 4), ("four", 5)):
            part = {it: width[it] for it in width if it <= last}
            joined = {f"F{it}": Joining(it, part, hidden, blocks) for it in part}
            self.add_module(name, nn.ModuleDict(joined))
        self.out = nn.ModuleDict({f"P{it}": conv(width[it], channels, 1) for it in width})

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        now = {level: self.reduce[f"X{level}"](x) for level, x in enumerate(maps, 2)}
        for name, last in (("two", 3), ("three", 4), ("four", 5)):
            part = {level: x for level, x in now.items() if level <= last}
            now |= {level: self.get_submodule(f"{name}.F{level}")(part) for level in part}
        outputs = [self.out[f"P{level}"](x) for level, x in now.items()]
        return [*outputs, outputs[-1][:, :, ::2, ::2]]
