"""The detector: a backbone of timm, a compiled graph, a class head and a box head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from torch import Tensor, nn

from fpngraph.backbone import create_backbone, feature_maps, map_channels
from fpngraph.compiler import build
from fpngraph.efficientdet.config import Config, ConfigError, change
from fpngraph.efficientdet.heads import PRIOR, Head
from fpngraph.errors import GraphError, Problem
from fpngraph.graph import Graph

T = TypeVar("T")
_OF_HEADS = {"num_classes", "aspect_ratios", "num_scales"}


class Predictions(NamedTuple):
    """What the heads say, level by level in the order of the neck's outputs.

    Shape: ``classes`` logits [B, anchors * num_classes, H, W], ``boxes`` [B, anchors * 4, H, W]; anchor by anchor.
    """

    classes: list[Tensor]
    boxes: list[Tensor]


class EfficientDet(nn.Module):
    """EfficientDet (arXiv:1911.09070) with any backbone that has maps of the neck's levels, and any neck.

    Shape: images [B, 3, H, W] of any size to ``Predictions``.
    Raises GraphError and BackboneError for parts that do not exist or do not fit together.
    """

    def __init__(self, config: Config, *, pretrained_backbone: bool = False) -> None:
        super().__init__()
        self.config = config
        graph = config.load_graph()
        levels = sorted({entry.level for entry in graph.inputs.values()})
        self.backbone = create_backbone(config.backbone, levels, pretrained=pretrained_backbone, **config.backbone_args)
        self.neck = build(graph, _by_input(graph, map_channels(self.backbone)))
        channels = _one_width(graph, self.neck.out_channels)
        self.class_head = Head(config, channels, self.neck.out_channels, outputs=config.num_classes, prior=PRIOR)
        self.box_head = Head(config, channels, self.neck.out_channels, outputs=4)

    def forward(self, images: Tensor) -> Predictions:
        maps = self.neck(_by_input(self.neck.source_graph, feature_maps(self.backbone, images)))
        return Predictions(list(self.class_head(maps).values()), list(self.box_head(maps).values()))

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


def changed_predictors(before: Config, after: Config) -> list[str]:
    """The heads whose predictors another configuration needs anew."""
    changed = {field for field in _OF_HEADS if getattr(before, field) != getattr(after, field)}
    return [*(["class_head"] if changed else []), *(["box_head"] if changed - {"num_classes"} else [])]


def _by_input(graph: Graph, finest_first: Sequence[T]) -> dict[str, T]:
    """What belongs to each input of the graph, of one thing per level."""
    levels = sorted({entry.level for entry in graph.inputs.values()})
    by_level = dict(zip(levels, finest_first, strict=True))
    return {name: by_level[entry.level] for name, entry in graph.inputs.items()}


def _one_width(graph: Graph, out_channels: Mapping[str, int]) -> int:
    """The channels that all outputs have."""
    if len(set(out_channels.values())) > 1:
        listed = ", ".join(f"{name} has {channels}" for name, channels in out_channels.items())
        message = f"graph {graph.name!r} has outputs of unequal channels, but the heads share convolutions: {listed}"
        raise GraphError([Problem(message, None, "give the nodes of its outputs one number of channels")])
    return next(iter(out_channels.values()))
