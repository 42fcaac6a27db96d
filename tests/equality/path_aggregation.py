"""PANet's neck in plain torch, written from the description of mmdet's PAFPN (arXiv:1803.01534 Sec. 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class PathAggregation(nn.Module):
    """A feature pyramid, then a bottom-up path over it, then max-pooled levels.

    Maps of ``in_channels``, finest first, to as many maps of ``channels`` and ``extra`` coarser ones.
    """

    def __init__(self, in_channels: Sequence[int], channels: int, extra: int) -> None:
        super().__init__()
        n, self.extra = len(in_channels), extra
        self.lateral = nn.ModuleList(nn.Conv2d(given, channels, 1) for given in in_channels)
        self.smooth = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(n))
        self.down = nn.ModuleList(nn.Conv2d(channels, channels, 3, stride=2, padding=1) for _ in range(n - 1))
        self.final = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(n - 1))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        sums = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for i in reversed(range(len(sums) - 1)):
            sums[i] = sums[i] + F.interpolate(sums[i + 1], size=sums[i].shape[2:])
        pyramid = [smooth(x) for smooth, x in zip(self.smooth, sums, strict=True)]
        for i, down in enumerate(self.down):
            pyramid[i + 1] = pyramid[i + 1] + down(pyramid[i])
        outputs = [pyramid[0], *(final(x) for final, x in zip(self.final, pyramid[1:], strict=True))]
        for _ in range(self.extra):
            outputs.append(outputs[-1][:, :, ::2, ::2])
        return outputs
