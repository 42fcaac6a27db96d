"""The fusion decoder of CLFTv2, written from arXiv:2609.09881 Sec. III-C with torch's modules alone."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class Unit(nn.Module):
    """Two convolutions, each with a rectifier, beside the map itself (Fig. 3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + F.relu(self.second(F.relu(self.first(x))))


class Clft(nn.Module):
    """The camera's maps from fine to coarse, then the LiDAR's, to one of the finest level; sides divide by 8 there."""

    def __init__(self, given: Sequence[int], channels: int) -> None:
        super().__init__()
        self.camera, self.lidar = (
            nn.ModuleList(nn.Sequential(nn.Conv2d(it, channels, 1), Unit(channels)) for it in given) for _ in range(2)
        )
        self.joined = nn.ModuleList(Unit(channels) for _ in given)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        levels = len(self.joined)
        found: Tensor | None = None
        for level in reversed(range(levels)):
            x = self.camera[level](maps[level]) + self.lidar[level](maps[levels + level])
            if found is not None:
                x = x + F.interpolate(found, scale_factor=2, mode="bilinear", align_corners=False)
            found = self.joined[level](x)
        assert found is not None
        return [found]
