"""torchvision's feature pyramid, with the levels beyond the backbone that its detectors have."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from torchvision.ops.feature_pyramid_network import (
    ExtraFPNBlock,
    FeaturePyramidNetwork,
    LastLevelMaxPool,
    LastLevelP6P7,
)

from tests.oracles.reference import Reference


class Pyramid(FeaturePyramidNetwork):
    """The pyramid itself, from a list to a list."""

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        return list(super().forward(OrderedDict((str(index), x) for index, x in enumerate(maps))).values())


def plain(in_channels: Mapping[int, int], channels: int) -> Reference:
    """No levels but the backbone's."""
    return _neck(in_channels, channels, None, 0)


def max_pooled(in_channels: Mapping[int, int], channels: int) -> Reference:
    """One level more, as in Faster R-CNN."""
    return _neck(in_channels, channels, LastLevelMaxPool(), 1)


def convolved(in_channels: Mapping[int, int], channels: int) -> Reference:
    """Two levels more, as in RetinaNet: of the coarsest map that comes in where its channels are not the pyramid's."""
    return _neck(in_channels, channels, LastLevelP6P7(in_channels[max(in_channels)], channels), 2)


def _neck(in_channels: Mapping[int, int], channels: int, extra: ExtraFPNBlock | None, more: int) -> Reference:
    module: nn.Module = Pyramid(list(in_channels.values()), channels, extra)
    return Reference(module, in_channels, tuple(range(min(in_channels), max(in_channels) + 1 + more)))
