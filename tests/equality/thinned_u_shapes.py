"""M2Det's pyramid of joined and weighed maps, written from arXiv:1811.04533 Sec. 3 with torch's modules alone.

Modules have the names of our nodes, and hold their parts in the order of ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv(in_channels: int, channels: int, kernel: int, stride: int = 1) -> nn.Module:
    """A convolution, its norm, a rectifier."""
    layer = nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(channels, momentum=0.01), nn.ReLU())


class UShape(nn.Module):
    """Down to the coarsest level, up again, and a 1x1 convolution of each level but the coarsest."""

    def __init__(self, base: int, reduced: int, before: int, channels: int, levels: int) -> None:
        super().__init__()
        self.reduce = conv(base, reduced, 1)
        given = [reduced + before, *[channels] * (levels - 1)]
        self.down = nn.ModuleList(conv(it, channels, 3, 2) for it in given[:-1])
        self.top = conv(channels, channels, 1)
        self.lateral = nn.ModuleList(conv(it, channels, 3) for it in given[:-1])
        self.smooth = nn.ModuleList(conv(channels, channels, 1) for _ in given[:-1])

    def forward(self, base: Tensor, before: Tensor | None) -> list[Tensor]:
        x = self.reduce(base)
        found = [x if before is None else torch.cat([x, before], dim=1)]
        for layer in self.down:
            found.append(layer(found[-1]))
        y = self.top(found.pop())
        outputs = [y]
        for x, lateral, smooth in reversed(list(zip(found, self.lateral, self.smooth, strict=True))):
            y = lateral(x) + F.interpolate(y, x.shape[2:], mode="nearest")
            outputs.append(smooth(y))
        return outputs[::-1]


class Weighing(nn.Module):
    """Factors of channels from their means, by way of a sixteenth of them (SFAM)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fewer, self.again = nn.Conv2d(channels, channels // 16, 1), nn.Conv2d(channels // 16, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.fewer(x.mean(dim=(2, 3), keepdim=True)))
        return x * torch.sigmoid(self.again(hidden))


class Thinned(nn.Module):
    """Maps of strides 8 and 16 to the levels 3 to 8, their channels weighed or not."""

    def __init__(
        self, given: Sequence[int], base: tuple[int, int], *, reduced: int, channels: int, count: int, weighs: bool
    ) -> None:
        super().__init__()
        shallow, deep = base
        self.R3, self.R4 = conv(given[0], shallow, 3), conv(given[1], deep, 1)
        shapes = (UShape(shallow + deep, reduced, channels if it else 0, channels, 6) for it in range(count))
        self.shapes = nn.ModuleList(shapes)
        self.weighings = nn.ModuleList(Weighing(count * channels) if weighs else nn.Identity() for _ in range(6))
        self.norm = nn.BatchNorm2d(count * channels, momentum=0.01)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        fine = self.R3(maps[0])
        base = torch.cat([fine, F.interpolate(self.R4(maps[1]), fine.shape[2:], mode="nearest")], dim=1)
        results: list[list[Tensor]] = []
        for shape in self.shapes:
            results.append(shape(base, results[-1][0] if results else None))
        joined = (torch.cat(level, dim=1) for level in zip(*results, strict=True))
        first, *others = (weigh(x) for weigh, x in zip(self.weighings, joined, strict=True))
        return [self.norm(first), *others]
