"""A whole detector as one module of tensors: images in, boxes out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.detection.anchors import anchor_boxes
from fpngraph.detection.boxes import best_of, decode, num_classes_of, per_anchor
from fpngraph.detection.detector import DetectionModel
from fpngraph.detection.images import normalised
from fpngraph.feature import Size

Suppress = Callable[[Tensor, Tensor, Tensor, float, int], Tensor]
NOTHING = -1
"""The label of a row that has no detection."""


class WholeDetector(nn.Module):
    """What ``Detector`` does with a batch, for any number of images at once.

    Shape: ``images`` [B, 3, H, W], uint8, red, green and blue; ``sizes`` [B, 2], float32, height and width of what is
    image in each, where boxes end; to ``boxes`` [B, N, 4], float32, left, top, right, bottom in pixels of the batch,
    ``scores`` [B, N], float32, and ``labels`` [B, N], int64, best first. Rows without a detection are last, with
    label -1 and zeros.
    """

    def __init__(self, model: DetectionModel, network: nn.Module, suppress: Suppress, *, score: float) -> None:
        super().__init__()
        self.network = network
        self.anchors, self.normalization, self.suppression = model.anchors, model.normalization, model.suppression
        self.suppress, self.score = suppress, score

    def forward(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        predictions = self.network(normalised(images, self.normalization))
        num_classes = num_classes_of(predictions, self.anchors.per_place)
        logits, offsets = per_anchor(predictions.classes, num_classes), per_anchor(predictions.boxes, 4)
        maps = [Size(*x.shape[-2:]) for x in predictions.classes]
        anchors = anchor_boxes(self.anchors, Size(*images.shape[-2:]), maps, offsets.device)
        best, rows, labels = best_of(logits, self.suppression.max_candidates)
        boxes = decode(_picked(offsets, rows).flatten(0, 1), anchors[rows].flatten(0, 1)).view(*rows.shape, 4)
        ends = sizes.flip(1).repeat(1, 2)[:, None]
        return self._kept(boxes.clamp(min=0).minimum(ends), best.sigmoid(), labels, num_classes)

    def _kept(self, boxes: Tensor, scores: Tensor, labels: Tensor, num_classes: int) -> tuple[Tensor, Tensor, Tensor]:
        most, count = self.suppression.max_detections, scores.shape[1]
        # They are sorted: a place counted from the end keeps the order where scores are equal, or rounded otherwise.
        places = count - torch.arange(count, device=scores.device)
        kept = self.suppress(boxes, places.float().expand_as(scores), labels, self.suppression.iou, num_classes)
        ranked = F.pad(torch.where(kept & (scores >= self.score), places, 0), (0, most))
        best = ranked.topk(most)
        there, rows = best.values > 0, (count - best.values).clamp(max=count - 1)
        boxes = _picked(boxes, rows).where(there[..., None], 0.0)
        return boxes, scores.gather(1, rows).where(there, 0.0), labels.gather(1, rows).where(there, NOTHING)


def _picked(values: Tensor, rows: Tensor) -> Tensor:
    """Rows of each image: of [B, N, 4] by [B, M] to [B, M, 4]."""
    return values.gather(1, rows[..., None].expand(-1, -1, 4))
