"""ViTDet's simple feature pyramid, written from arXiv:2203.16527 Sec. 3 with torch's modules alone."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of every pixel."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def smooth(in_channels: int, channels: int) -> list[nn.Module]:
    """Convolutions of 1x1 and 3x3, each with a norm and so without a bias."""
    return [
        nn.Conv2d(in_channels, channels, 1, bias=False),
        ChannelNorm(channels, eps=1e-6),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        ChannelNorm(channels, eps=1e-6),
    ]


def doubled(channels: int) -> nn.Module:
    """To twice the size, with half the channels."""
    return nn.ConvTranspose2d(channels, channels // 2, 2, 2)


class SimplePyramid(nn.Module):
    """Maps of strides 4, 8, 16, 32 and 64 from one map of stride 16, whose sides are even."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        halved, quartered = in_channels // 2, in_channels // 4
        start = [doubled(in_channels), ChannelNorm(halved, eps=1e-6), nn.GELU(), doubled(halved)]
        self.stride4 = nn.Sequential(*start, *smooth(quartered, channels))
        self.stride8 = nn.Sequential(doubled(in_channels), *smooth(halved, channels))
        self.stride16 = nn.Sequential(*smooth(in_channels, channels))
        self.stride32 = nn.Sequential(nn.MaxPool2d(2), *smooth(in_channels, channels))

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        (x,) = features
        maps = [self.stride4(x), self.stride8(x), self.stride16(x), self.stride32(x)]
        return [*maps, F.max_pool2d(maps[-1], 1, 2)]
