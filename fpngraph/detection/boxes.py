"""From what the heads say to boxes with scores: the best candidates, decoded, with overlapping ones suppressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.ops import batched_nms, box_iou  # type: ignore[import-untyped]  # torchvision has no hints

from fpngraph.detection.anchors import anchor_boxes
from fpngraph.efficientdet.config import Config
from fpngraph.efficientdet.parts import Predictions
from fpngraph.feature import Size

_OVERLAP = 0.5  # intersection over union from which the lower score goes
_SIGMA = 0.5  # of the Gaussian that lowers scores instead
_LOWEST = 0.001  # a score that has been lowered to this goes


class Original(NamedTuple):
    """An image before it was resized and put at the top left of the detector's input."""

    size: Size
    scale: float
    """Its pixels per pixel of the input."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What was found in one image, best first. There are as many rows as were found.

    Shape: ``boxes`` [N, 4], float32, left, top, right, bottom in pixels of the original image; ``scores`` [N], float32;
    ``labels`` [N], int64, the number of the class from 0 on.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor


def detections(
    predictions: Predictions, config: Config, image_size: Size, originals: Sequence[Original] | None = None
) -> list[Detections]:
    """What was found in each image of a batch, whose size is ``image_size``.

    With ``originals`` boxes end at the borders of their image, and are in its pixels.
    """
    logits, offsets = _rows(predictions.classes, config.num_classes).flatten(1), _rows(predictions.boxes, 4)
    anchors = anchor_boxes(config, image_size, [Size(*x.shape[-2:]) for x in predictions.classes], offsets.device)
    best = logits.topk(min(config.max_candidates, logits.shape[1]))
    found = []
    for index, (scores, places) in enumerate(zip(best.values.float().sigmoid(), best.indices, strict=True)):
        rows, labels = places // config.num_classes, places % config.num_classes
        boxes = _decode(offsets[index, rows].float(), anchors[rows])
        original = originals[index] if originals else Original(image_size, 1.0)
        if originals:
            boxes = _clip(boxes, original)
        every = Detections(boxes, scores, labels)
        kept = _soften(every, config.max_detections) if config.soft_nms else _suppress(every, config.max_detections)
        found.append(Detections(kept.boxes * original.scale, kept.scores, kept.labels))
    return found


def _rows(maps: Sequence[Tensor], outputs: int) -> Tensor:
    """The maps of all levels as [B, N, outputs], a row per anchor."""
    flat = [x.permute(0, 2, 3, 1).reshape(len(x), x.shape[1:].numel() // outputs, outputs) for x in maps]
    return torch.cat(flat, dim=1)


def _decode(offsets: Tensor, anchors: Tensor) -> Tensor:
    """Boxes from offsets (y, x, log height, log width), which are relative to the anchor's centre and sides."""
    left_top, right_bottom = anchors[:, :2], anchors[:, 2:]
    sides = right_bottom - left_top
    centres = offsets[:, :2].flip(1) * sides + (left_top + right_bottom) / 2
    halves = offsets[:, 2:].flip(1).exp() * sides / 2
    return torch.cat([centres - halves, centres + halves], dim=1)


def _clip(boxes: Tensor, original: Original) -> Tensor:
    """Boxes that end where the image does, in pixels of the input."""
    right, bottom = original.size.width / original.scale, original.size.height / original.scale
    return boxes.clamp(min=0).minimum(boxes.new_tensor([right, bottom, right, bottom]))


def _suppress(found: Detections, most: int) -> Detections:
    """Without those that overlap a better one of their class."""
    # torchvision moves the classes apart by the largest coordinate, which lets boxes left or above of 0 meet.
    positive = found.boxes - found.boxes.amin().clamp(max=0)
    kept = batched_nms(positive, found.scores, found.labels, _OVERLAP)[:most]
    return Detections(found.boxes[kept], found.scores[kept], found.labels[kept])


def _soften(found: Detections, most: int) -> Detections:
    """With scores lowered where a better box of the class overlaps (Gaussian soft-NMS, arXiv:1704.04503 Sec. 3)."""
    left, kept, lowered = found.scores, [], []
    for _ in range(min(most, len(left))):
        top = left.argmax()
        kept.append(top)
        lowered.append(left[top])
        overlap = box_iou(found.boxes[top][None], found.boxes)[0].nan_to_num(0.0)  # two boxes without area have none
        left = left * (-((overlap * (found.labels == found.labels[top])) ** 2) / _SIGMA).exp()
        left = left.where(left > _LOWEST, 0.0).index_fill(0, top, 0.0)
    scores, rows = torch.stack(lowered), torch.stack(kept)
    rows = rows[scores > 0]
    return Detections(found.boxes[rows], scores[scores > 0], found.labels[rows])
