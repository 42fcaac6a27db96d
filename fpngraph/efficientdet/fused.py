"""The inference form of the detector."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from fpngraph.compiler.neck import Neck
from fpngraph.compiler.straight import ImageSizes
from fpngraph.detection.boxes import Predictions
from fpngraph.efficientdet.heads import Head
from fpngraph.efficientdet.network import Network
from fpngraph.inference.folding import Held, chain, different, inference_copy
from fpngraph.layers.layout import Layers
from fpngraph.pyramid.fused_pyramid import InferenceForm, fused_backbone


class FusedEfficientDet(InferenceForm, Network):
    """A detector for inference only. Made by ``fuse`` of a detector, whose weights it has a copy of.

    Called as the detector is, and equal to it in eval mode but for rounding; ``train()`` is refused.
    """

    made_from = "detector"

    def __init__(
        self,
        detector: Network,
        neck: Neck,
        heads: tuple[Head, Head],
        dtype: torch.dtype | None,
        image_sizes: ImageSizes,
    ) -> None:
        own = neck.fuse(dtype, image_sizes=image_sizes)
        backbone, of_backbone = fused_backbone(detector.backbone)
        (class_head, of_classes), (box_head, of_boxes) = map(fused_head, heads)
        super().__init__(detector.config, backbone, own, class_head, box_head)
        found = {"backbone": of_backbone, "neck": own.unfolded, "class_head": of_classes, "box_head": of_boxes}
        self.seal(dtype, detector, found)

    def forward(self, images: Tensor) -> Predictions:
        predictions = super().forward(self.taken(images))
        return Predictions(*([x.to(images.dtype) for x in maps] for maps in predictions))


class FusedHead(nn.Module):
    """A head whose norms are folded into convolutions, so that every level has its own of these."""

    def __init__(self, levels: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.levels = nn.ModuleDict(levels)

    def forward(self, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {level: self.levels[level](x) for level, x in maps.items()}


def fused_head(head: Head) -> tuple[nn.Module, Mapping[str, str]]:
    """The head in inference, and what is not folded in it."""
    if reason := different(head, Head):
        return inference_copy(head).to(memory_format=torch.channels_last), {"": reason}
    paths = {module: path for path, module in head.named_modules()}
    levels: dict[str, nn.Module] = {}
    unfolded: dict[str, str] = {}
    for level in head.levels:
        steps = [(paths[module], operator, module) for operator, module in head.steps(level)]
        modules = [Held(path, path, module) for path, _, module in steps]
        found = chain({path: operator for path, operator, _ in steps}, modules)
        # what the neck gives is the caller's own where it gives an input, so that nothing may be written to it
        edge, _ = found.run(owned=False)
        levels[level] = Layers(edge).to(memory_format=torch.channels_last)
        unfolded |= found.unfolded
    return FusedHead(levels), unfolded
