"""What a feature pyramid and its inference form have in common."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from fpngraph.compiler.compiled import Compiled
from fpngraph.pyramid.backbone import feature_maps


class Pyramid(nn.Module):
    """A backbone of timm and a compiled graph that it feeds, by the names of the graph's inputs, finest first.

    Shape: image [B, in_chans, H, W] to an OrderedDict, by the names of the graph's outputs, of maps [B, C, H', W'].
    """

    neck: Compiled

    def __init__(self, backbone: nn.Module, neck: Compiled, inputs: Sequence[str]) -> None:
        super().__init__()
        self.backbone, self.neck = backbone, neck
        self._inputs = tuple(inputs)

    @property
    def out_channels(self) -> int | list[int]:
        """Channels of the maps: a number where all have equally many, else a list in the order of the outputs."""
        channels = list(self.neck.out_channels.values())
        return channels[0] if len(set(channels)) == 1 else channels

    @property
    def out_strides(self) -> dict[str, int]:
        """Pixels of the image per pixel of each map, by the names of the graph's outputs."""
        return dict(self.neck.out_strides)

    def forward(self, image: Tensor) -> OrderedDict[str, Tensor]:
        maps = self.neck(dict(zip(self._inputs, feature_maps(self.backbone, image), strict=True)))
        return OrderedDict((name, maps[name]) for name in self.neck.out_channels)
