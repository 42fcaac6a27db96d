"""The inference form of a feature pyramid, and what it has in common with that of a detector."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from fpngraph.compiler.neck import Neck
from fpngraph.compiler.straight import ImageSizes
from fpngraph.inference.folding import changed, inference_copy
from fpngraph.layers.layout import channels_last
from fpngraph.pyramid.folding import in_inference
from fpngraph.pyramid.pyramid import Pyramid


class InferenceForm(nn.Module):
    """A model with a backbone, for inference only: it has a copy of the weights of the one that it was made from.

    What it gives has the type of the image, whatever type it computes in; ``train()`` is refused.
    """

    made_from: ClassVar[str]
    """What it is the inference form of."""
    backbone: nn.Module
    unfolded: dict[str, str]
    """What runs as it did, where others are folded, as ``FusedNeck`` has it: path in the model to reason."""

    def seal(self, dtype: torch.dtype | None, original: nn.Module, unfolded: Mapping[str, Mapping[str, str]]) -> None:
        """Have it compute in ``dtype``; ``unfolded`` is that of each part of ``original`` by the part's name."""
        reason = changed(original)
        self.unfolded = {"": f"{reason}, which stays behind"} if reason else {}
        for part, found in unfolded.items():
            self.unfolded |= {f"{part}.{path}" if path else part: reason for path, reason in found.items()}
        self.to(dtype)
        self.eval()

    def taken(self, image: Tensor) -> Tensor:
        """The image as the backbone takes it. What is no fraction is for nobody to convert: torch refuses it."""
        dtype = next(self.backbone.parameters()).dtype
        return channels_last(image.to(dtype) if image.is_floating_point() else image)

    def train(self, mode: bool = True) -> Self:
        """Refused, but for ``mode=False``: raises RuntimeError."""
        if mode:
            raise RuntimeError(
                f"a fused {self.made_from} is for inference only\n"
                f"  hint: train the {self.made_from} that it was made from, and fuse that again"
            )
        return super().train(mode)


class FusedPyramid(InferenceForm, Pyramid):
    """A feature pyramid for inference only. Made by ``fuse`` of a pyramid, whose weights it has a copy of.

    Called as the pyramid is, and equal to it in eval mode but for rounding; ``train()`` is refused.
    """

    made_from = "pyramid"

    def __init__(self, pyramid: Pyramid, neck: Neck, dtype: torch.dtype | None, image_sizes: ImageSizes) -> None:
        own = neck.fuse(dtype, image_sizes=image_sizes)
        backbone, unfolded = fused_backbone(pyramid.backbone)
        super().__init__(backbone, own, pyramid._inputs)
        self.seal(dtype, pyramid, {"backbone": unfolded, "neck": own.unfolded})

    def forward(self, image: Tensor) -> OrderedDict[str, Tensor]:
        maps = super().forward(self.taken(image))
        return OrderedDict((name, x.to(image.dtype)) for name, x in maps.items())


def fused_backbone(backbone: nn.Module) -> tuple[nn.Module, Mapping[str, str]]:
    """The inference form of a backbone, a copy, and what is not folded in it."""
    own, unfolded = in_inference(inference_copy(backbone, "backbone"))
    return own.to(memory_format=torch.channels_last), unfolded
