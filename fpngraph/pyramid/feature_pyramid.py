"""A backbone and a neck in one module: image in, feature maps out."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from fpngraph.compiler.builder import build
from fpngraph.graph.graph import Graph
from fpngraph.library import load
from fpngraph.pyramid.backbone import create_backbone, feature_maps, layer_matcher, map_channels


class FeaturePyramid(nn.Module):
    """A backbone of timm, ``backbone``, and the compiled graph that it feeds, ``neck``.

    ``graph`` is the name of a shipped graph, the path of a file, or a graph; of the first two, ``preset`` names a set
    of parameters and ``params`` overrides single ones. The maps of the backbone are chosen by the levels of the graph's
    inputs; ``out_indices`` chooses them by their places in timm's order instead, one per input, finest first.
    ``timm_arguments`` go to timm's ``create_model``.

    Shape: image [B, in_chans, H, W] to an OrderedDict, by the names of the graph's outputs, of maps [B, C, H', W'].
    Raises GraphError for the graph, BackboneError for a backbone that does not exist or does not fit it.
    """

    def __init__(  # noqa: PLR0913  (the settings of two parts)
        self,
        backbone: str,
        graph: str | os.PathLike[str] | Graph,
        *,
        pretrained: bool = False,
        in_chans: int = 3,
        out_indices: Sequence[int] | None = None,
        preset: str | None = None,
        params: Mapping[str, Any] | None = None,
        **timm_arguments: Any,
    ) -> None:
        super().__init__()
        if not isinstance(graph, Graph):
            graph = load(graph, preset=preset, **(params or {}))
        elif preset is not None or params:
            raise ValueError("'preset' and 'params' are for the name or path of a graph, but 'graph' is loaded already")
        self._timm = backbone, timm_arguments
        inputs = sorted(graph.inputs.values(), key=lambda entry: entry.level)
        levels = [entry.level for entry in inputs]
        self.backbone = create_backbone(
            backbone,
            levels,
            out_indices=out_indices,
            pretrained=pretrained,
            in_chans=in_chans,
            **timm_arguments,
        )
        self._inputs = [entry.name for entry in inputs]
        self.neck = build(graph, dict(zip(self._inputs, map_channels(self.backbone), strict=True)))

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

    def group_matcher(self, coarse: bool = False) -> Callable[[str], float]:
        """For timm's layer-wise learning rates: layers of the backbone as timm has them, then the neck as the last."""
        name, arguments = self._timm
        return layer_matcher(self.backbone, name, coarse=coarse, **arguments)
