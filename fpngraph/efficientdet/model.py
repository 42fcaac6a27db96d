"""The detector: a backbone of timm, a compiled graph, a class head and a box head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from fpngraph.analysis.shapes import lower
from fpngraph.compiler.builder import build
from fpngraph.compiler.neck import Neck
from fpngraph.compiler.straight import ImageSizes
from fpngraph.efficientdet.config import Config, ConfigError, change
from fpngraph.efficientdet.fused import FusedEfficientDet
from fpngraph.efficientdet.heads import PRIOR, Head
from fpngraph.efficientdet.network import Network, by_input
from fpngraph.efficientdet.unmatched import warn_of_unmatched
from fpngraph.errors import GraphError, Problem
from fpngraph.graph.graph import Graph
from fpngraph.pyramid.backbone import create_backbone, layer_matcher, map_channels

_OF_HEADS = {"num_classes", "aspect_ratios", "num_scales"}


class EfficientDet(Network):
    """EfficientDet (arXiv:1911.09070) with any backbone that has maps of the neck's levels, and any neck.

    With ``lean`` the neck trains in less memory and more time, as that of ``fpngraph.build``.

    Shape: images [B, 3, H, W] of any size to ``Predictions``.
    Warns where the graph has not what the configuration says of a neck, unless ``config.match`` is False.
    Raises GraphError and BackboneError for parts that do not exist or do not fit together.
    """

    neck: Neck
    class_head: Head
    box_head: Head

    def __init__(self, config: Config, *, pretrained_backbone: bool = False, lean: bool = False) -> None:
        graph = config.load_graph()
        levels = sorted({entry.level for entry in graph.inputs.values()})
        backbone = create_backbone(config.backbone, levels, pretrained=pretrained_backbone, **config.backbone_args)
        neck = build(graph, by_input(graph, map_channels(backbone)), lean=lean)
        warn_of_unmatched(config, lower(graph, neck.in_channels))
        channels = _one_width(graph, neck.out_channels)
        super().__init__(
            config,
            backbone,
            neck,
            Head(config, channels, neck.out_channels, outputs=config.num_classes, prior=PRIOR),
            Head(config, channels, neck.out_channels, outputs=4),
        )

    def fuse(self, dtype: torch.dtype | None = None, *, image_sizes: ImageSizes = ()) -> FusedEfficientDet:
        """Its inference form, a module of its own: the same predictions in less time.

        Norms and fusion weights are folded into convolutions, and maps lie in memory as is fastest. With ``dtype`` it
        computes in that type; images and predictions keep theirs. The detector stays as it is and can be trained on.
        For images of ``image_sizes`` the neck runs straight code; see ``Neck.fuse``.
        ``unfolded`` of the result has the modules that run as they did, with the reason.
        """
        heads = self.class_head, self.box_head
        return FusedEfficientDet(self, self.neck, heads, dtype, image_sizes)

    def reset_heads(self, **changes: Any) -> None:
        """Go on with another ``num_classes``, ``aspect_ratios`` or ``num_scales``.

        The predictors that a change is about start anew, all else keeps its weights.
        Raises ConfigError for other fields and for values that are none.
        """
        others = set(changes) - _OF_HEADS
        if others:
            raise ConfigError(f"reset_heads changes {', '.join(sorted(_OF_HEADS))}, not {', '.join(sorted(others))}")
        before, self.config = self.config, change(self.config, **changes)
        changed = changed_predictors(before, self.config)
        if "class_head" in changed:
            self.class_head.reset_predictor(self.config, outputs=self.config.num_classes)
        if "box_head" in changed:
            self.box_head.reset_predictor(self.config, outputs=4)

    def group_matcher(self, coarse: bool = False) -> Callable[[str], float]:
        """For timm's layer-wise learning rates: layers of the backbone as timm has them, then neck and heads as one."""
        return layer_matcher(self.backbone, self.config.backbone, coarse=coarse, **self.config.backbone_args)


def changed_predictors(before: Config, after: Config) -> list[str]:
    """The heads whose predictors another configuration needs anew."""
    changed = {field for field in _OF_HEADS if getattr(before, field) != getattr(after, field)}
    return [*(["class_head"] if changed else []), *(["box_head"] if changed - {"num_classes"} else [])]


def _one_width(graph: Graph, out_channels: Mapping[str, int]) -> int:
    """The channels that all outputs have."""
    if len(set(out_channels.values())) > 1:
        listed = ", ".join(f"{name} has {channels}" for name, channels in out_channels.items())
        message = f"graph {graph.name!r} has outputs of unequal channels, but the heads share convolutions: {listed}"
        hint = "give the nodes of its outputs one number of channels"
        raise GraphError([Problem("channels-unequal", message, None, hint)])
    return next(iter(out_channels.values()))
