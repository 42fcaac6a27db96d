"""From what the heads say to boxes with scores: the best candidates, decoded, with overlapping ones suppressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor
from torchvision.ops import box_iou, nms  # type: ignore[import-untyped]  # torchvision has no hints

from fpngraph.detection.anchors import Anchors, anchor_boxes
from fpngraph.feature import Size

_SIGMA = 0.5  # of the Gaussian that lowers scores
_LOWEST = 0.001  # a score that has been lowered to this goes
_LOOKED_AT = 10  # candidates first, for each detection that is wanted
_FAR = 2.0**24  # pixels, further than any image goes


class Predictions(NamedTuple):
    """What the heads say, level by level in the order of the neck's outputs.

    Shape: ``classes`` logits [B, anchors * num_classes, H, W], ``boxes`` [B, anchors * 4, H, W]; anchor by anchor.
    """

    classes: list[Tensor]
    boxes: list[Tensor]


class Suppression(BaseModel):
    """Which boxes of an image are kept: how many, and what becomes of those that overlap a better one of their class.

    The ``max_candidates`` best scores become boxes, of which ``max_detections`` at most are kept. A box goes from an
    intersection over union of ``iou`` on; with ``soft``, its score is lowered by the overlap instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_candidates: PositiveInt = 5000
    max_detections: PositiveInt = 100
    iou: float = Field(default=0.5, ge=0, le=1)
    soft: bool = False


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
    predictions: Predictions,
    image_size: Size,
    *,
    anchors: Anchors,
    suppression: Suppression,
    originals: Sequence[Original] | None = None,
) -> list[Detections]:
    """What was found in each image of a batch, whose size is ``image_size``.

    With ``originals`` boxes end at the borders of their image, and are in its pixels. Raises ValueError for maps that
    are not of these anchors.
    """
    num_classes = num_classes_of(predictions, anchors.per_place)
    logits, offsets = per_anchor(predictions.classes, num_classes), per_anchor(predictions.boxes, 4)
    every = anchor_boxes(anchors, image_size, [Size(*x.shape[-2:]) for x in predictions.classes], offsets.device)
    best = best_of(logits, suppression.max_candidates)
    found = []
    for index, (scores, rows, labels) in enumerate(zip(best.logits.float().sigmoid(), *best[1:], strict=True)):
        boxes = decode(offsets[index, rows].float(), every[rows])
        original = originals[index] if originals else Original(image_size, 1.0)
        if originals:
            boxes = _clip(boxes, original)
        kept = (_soften if suppression.soft else _suppress)(Detections(boxes, scores, labels), suppression)
        found.append(Detections(kept.boxes * original.scale, kept.scores, kept.labels))
    return found


def num_classes_of(predictions: Predictions, per_place: int) -> int:
    """The classes that there are maps of. Raises ValueError for maps that are not of so many anchors per place."""
    classes, boxes = ([list(x.shape[1:]) for x in maps] for maps in predictions)
    num_classes = classes[0][0] // per_place if classes else 0
    wanted = [[[per_place * outputs, *size] for _, *size in classes] for outputs in (num_classes, 4)]
    if num_classes == 0 or [classes, boxes] != wanted:
        raise ValueError(
            f"the maps are not of {per_place} anchors per place: those of classes are {_written(classes)}, "
            f"those of boxes {_written(boxes)} (channels, height, width)\n"
            f"  hint: at every level, classes have {per_place} channels each, and boxes {4 * per_place} in all"
        )
    return num_classes


def _written(shapes: Sequence[Sequence[int]]) -> str:
    return ", ".join("x".join(map(str, shape)) for shape in shapes) or "none"


def per_anchor(maps: Sequence[Tensor], outputs: int) -> Tensor:
    """The maps of all levels, [B, anchors * outputs, H, W] each, as [B, N, outputs], a row per anchor."""
    flat = [torch.unflatten(x.permute(0, 2, 3, 1), 3, (-1, outputs)).flatten(1, 3) for x in maps]
    return torch.cat(flat, dim=1)


class Best(NamedTuple):
    """The best logits of each image, best first, with the rows and the classes that they are of, [B, K] each."""

    logits: Tensor
    rows: Tensor
    labels: Tensor


def best_of(logits: Tensor, count: int) -> Best:
    """The ``count`` best of [B, N, classes], or all where there are fewer.

    No row outside the ``count`` best rows has one of them, so that only these are searched: a seventh of the time.
    """
    rows = logits.amax(2).topk(_at_most(count, logits.shape[1]), sorted=False).indices
    searched = logits.gather(1, rows[:, :, None].expand(-1, -1, logits.shape[2])).flatten(1)
    best = searched.topk(_at_most(count, searched.shape[1]))
    return Best(best.values, rows.gather(1, best.indices // logits.shape[2]), best.indices % logits.shape[2])


def _at_most(count: int, there: int) -> int:
    """The smaller of the two, also where a program is recorded in which the second is a symbol."""
    return cast(int, torch.sym_min(count, there))


def decode(offsets: Tensor, anchors: Tensor) -> Tensor:
    """Boxes from offsets (y, x, log height, log width), which are relative to the anchor's centre and sides."""
    left_top, right_bottom = anchors[:, :2], anchors[:, 2:]
    sides = right_bottom - left_top
    centres = offsets[:, :2].flip(1) * sides + (left_top + right_bottom) / 2
    halves = offsets[:, 2:].flip(1).exp() * sides / 2
    return torch.cat([centres - halves, centres + halves], dim=1)


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """What a box head says of ``boxes`` at ``anchors``, the inverse of how its numbers are read.

    Shape: [N, 4] each, left, top, right, bottom, to [N, 4], (y, x, log height, log width).
    """
    sides, own = anchors[:, 2:] - anchors[:, :2], boxes[:, 2:] - boxes[:, :2]
    moved = (boxes[:, :2] + boxes[:, 2:] - anchors[:, :2] - anchors[:, 2:]) / 2 / sides
    return torch.cat([moved.flip(1), (own / sides).log().flip(1)], dim=1)


def _clip(boxes: Tensor, original: Original) -> Tensor:
    """Boxes that end where the image does, in pixels of the input."""
    right, bottom = original.size.width / original.scale, original.size.height / original.scale
    return boxes.clamp(min=0).minimum(boxes.new_tensor([right, bottom, right, bottom]))


def _suppress(found: Detections, suppression: Suppression) -> Detections:
    """Without those that overlap a better one of their class."""
    # What is kept of the best does not depend on the rest, which is looked at only where the best are not enough.
    most = suppression.max_detections
    kept = _not_overlapped(found, _LOOKED_AT * most, suppression.iou)
    if len(kept) < most and len(found.scores) > _LOOKED_AT * most:
        kept = _not_overlapped(found, len(found.scores), suppression.iou)
    kept = kept[:most]
    return Detections(found.boxes[kept], found.scores[kept], found.labels[kept])


def _not_overlapped(found: Detections, count: int, iou: float) -> Tensor:
    """The numbers of those of the ``count`` best that are kept, best first."""
    boxes, scores, labels = found.boxes[:count], found.scores[:count], found.labels[:count]
    # Apple's GPUs have no float64. There a class moves its boxes, whose sides are then rounded.
    number = torch.float32 if boxes.device.type == "mps" else torch.float64
    # One side without an end would leave no room for all others, and what is no number would spread to them.
    boxes = boxes.to(number).nan_to_num(0.0).clamp(-_FAR, _FAR)
    left_top, right_bottom = boxes.aminmax()
    kept: Tensor = nms(boxes + (labels * (right_bottom - left_top + 1))[:, None], scores.to(number), iou)
    return kept


def _soften(found: Detections, suppression: Suppression) -> Detections:
    """With scores lowered where a better box of the class overlaps (Gaussian soft-NMS, arXiv:1704.04503 Sec. 3)."""
    left, kept, lowered = found.scores, [], []
    for _ in range(min(suppression.max_detections, len(left))):
        top = left.argmax()
        kept.append(top)
        lowered.append(left[top])
        overlap = box_iou(found.boxes[top][None], found.boxes)[0].nan_to_num(0.0)  # two boxes without area have none
        left = left * (-((overlap * (found.labels == found.labels[top])) ** 2) / _SIGMA).exp()
        left = left.where(left > _LOWEST, 0.0).index_fill(0, top, 0.0)
    scores, rows = torch.stack(lowered), torch.stack(kept)
    rows = rows[scores > 0]
    return Detections(found.boxes[rows], scores[scores > 0], found.labels[rows])
