"""The inference form of a feature pyramid, and what it has in common with that of a detector."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
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
    _layout: torch.memory_format = torch.channels_last
    """Of the backbone's weights, and of the image that it gets unless it is torch's default: that is kept as given."""
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
        image = image.to(dtype) if image.is_floating_point() else image
        return channels_last(image) if self._layout == torch.channels_last else image

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """What every move to a device or a type does, as ``to`` and ``cuda``: the backbone is laid out for it then."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch has no hints for it
        weight = next(self.backbone.parameters())
        if (layout := fastest_layout(weight.device, weight.dtype)) != self._layout:
            for each in self.backbone.parameters():
                each.data = torch.empty_like(each, memory_format=_fitting(layout, each)).copy_(each)
            self._layout = layout
        return self

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


def fastest_layout(device: torch.device, dtype: torch.dtype) -> torch.memory_format:
    """How a backbone is laid out there: by pixels, but for a GPU in float32 that may not round to TF32.

    EfficientDet-D0's takes 16.6 ms by pixels for 16 images on an H100 then, and 10.3 ms in torch's default layout. With
    TF32, and by itself on a processor, it is fast by pixels. docs/performance.md has the numbers.
    """
    strict = device.type == "cuda" and dtype == torch.float32 and not _rounds_to_tf32()
    return torch.contiguous_format if strict else torch.channels_last


def _rounds_to_tf32() -> bool:
    """Whether cuDNN's convolutions may. Reading the old switch can be refused where torch has the new one."""
    convolutions = getattr(torch.backends.cudnn, "conv", None)
    if convolutions is None:
        return torch.backends.cudnn.allow_tf32
    return bool(convolutions.fp32_precision == "tf32")


def _fitting(layout: torch.memory_format, x: Tensor) -> torch.memory_format:
    """``channels_last`` is of tensors with four dimensions only."""
    return layout if x.dim() == 4 else torch.contiguous_format


def fused_backbone(backbone: nn.Module) -> tuple[nn.Module, Mapping[str, str]]:
    """The inference form of a backbone, a copy, and what is not folded in it."""
    own, unfolded = in_inference(inference_copy(backbone, "backbone"))
    return own.to(memory_format=torch.channels_last), unfolded
