"""What all forms of the detector have in common: its parts, and the way of an image through them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor, nn

from fpngraph.compiler.compiled import Compiled
from fpngraph.detection.anchors import Anchors
from fpngraph.detection.boxes import Predictions, Suppression
from fpngraph.detection.images import Normalization
from fpngraph.efficientdet.config import Config
from fpngraph.graph.graph import Graph
from fpngraph.pyramid.backbone import feature_maps

T = TypeVar("T")


class Network(nn.Module):
    """What a detector and its inference form have in common: backbone, neck, two heads, and the way through them.

    Shape: images [B, 3, H, W] of any size to ``Predictions``.
    """

    neck: Compiled

    def __init__(
        self, config: Config, backbone: nn.Module, neck: Compiled, class_head: nn.Module, box_head: nn.Module
    ) -> None:
        super().__init__()
        self.config = config
        self.backbone, self.neck = backbone, neck
        self.class_head, self.box_head = class_head, box_head

    @property
    def image_size(self) -> tuple[int, int]:
        return self.config.image_size

    @property
    def anchors(self) -> Anchors:
        return self.config.anchors

    @property
    def normalization(self) -> Normalization:
        return self.config.normalization

    @property
    def suppression(self) -> Suppression:
        return self.config.suppression

    def forward(self, images: Tensor) -> Predictions:
        maps = self.neck(by_input(self.neck.source_graph, feature_maps(self.backbone, images)))
        return Predictions(list(self.class_head(maps).values()), list(self.box_head(maps).values()))


def by_input(graph: Graph, finest_first: Sequence[T]) -> dict[str, T]:
    """What belongs to each input of the graph, of one thing per level."""
    levels = sorted({entry.level for entry in graph.inputs.values()})
    by_level = dict(zip(levels, finest_first, strict=True))
    return {name: by_level[entry.level] for name, entry in graph.inputs.items()}
