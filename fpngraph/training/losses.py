"""What a detector's maps are worth beside their targets: focal loss of classes, Huber loss of boxes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat
from torch import Tensor, distributed
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss  # type: ignore[import-untyped]  # torchvision has no hints

from fpngraph.detection.boxes import Predictions, per_anchor
from fpngraph.training.targets import BACKGROUND, Targets


class Losses(NamedTuple):
    """Of a batch; each a number, in single precision at least."""

    total: Tensor
    classes: Tensor
    boxes: Tensor


class DetectionLoss(BaseModel):
    """Focal loss (arXiv:1708.02002) of every class at every anchor, Huber loss of the offsets of those with an object.

    Both are sums over the batch, divided by the number of anchors with an object plus one; among several processes it
    is the number of all, so that they learn as one process with all images does. The defaults are EfficientDet's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float = Field(default=0.25, ge=0, le=1, description="Weight of an object's class; of all else 1 - alpha.")
    gamma: NonNegativeFloat = Field(default=1.5, description="How much less what is easy counts.")
    delta: PositiveFloat = Field(default=0.1, description="Error of an offset from which its loss grows linearly.")
    box_weight: NonNegativeFloat = Field(default=50.0, description="Weight of the boxes' loss in the total.")

    def __call__(self, predictions: Predictions, targets: Targets) -> Losses:
        """The losses of a batch.

        Raises ValueError where the maps have not as many anchors as the targets.
        """
        anchors = targets.labels.shape[1]
        offsets = per_anchor(predictions.boxes, 4)
        if offsets.shape[:2] != targets.labels.shape:
            raise ValueError(
                f"the maps have {offsets.shape[1]} anchors in {len(offsets)} images, but the targets {anchors} in "
                f"{len(targets.labels)}"
            )
        num_classes = sum(x.shape[1:].numel() for x in predictions.classes) // anchors
        logits = _wide(per_anchor(predictions.classes, num_classes))
        positive = targets.labels != BACKGROUND
        wanted = F.one_hot(targets.labels.clamp(min=0), num_classes).to(logits) * positive[..., None]
        scale = _scale(positive, logits.dtype)
        classes = sigmoid_focal_loss(logits, wanted, self.alpha, self.gamma, reduction="sum") * scale
        errors = F.huber_loss(
            _wide(offsets)[positive], targets.offsets.to(logits)[positive], reduction="sum", delta=self.delta
        )
        boxes = errors * scale / 4
        return Losses(classes + self.box_weight * boxes, classes, boxes)


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _scale(positive: Tensor, dtype: torch.dtype) -> Tensor:
    """What sums over the batch of a process are multiplied by; the mean over processes is then that of all images."""
    objects = positive.sum().to(dtype)
    processes = 1
    if distributed.is_available() and distributed.is_initialized():
        processes = distributed.get_world_size()
        distributed.all_reduce(objects)
    return processes / (objects + 1)
