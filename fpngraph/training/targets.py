"""Which anchors stand for which objects, and what the heads are to say there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.ops import box_iou  # type: ignore[import-untyped]  # torchvision has no hints

from fpngraph.detection.boxes import encode

BACKGROUND = -1
"""The label of an anchor that stands for no object."""


class Targets(NamedTuple):
    """What the heads are to say of each anchor, in the order of ``anchor_boxes``.

    Shape: ``labels`` [B, N], int64, the number of a class or ``BACKGROUND``; ``offsets`` [B, N, 4], (y, x, log height,
    log width) relative to the anchor, 0 where it is background.
    """

    labels: Tensor
    offsets: Tensor


def assign(anchors: Tensor, boxes: Sequence[Tensor], labels: Sequence[Tensor], *, iou: float = 0.5) -> Targets:
    """The targets of each image of a batch, for the boxes of its objects and their classes.

    An anchor stands for the object that it overlaps most, from an intersection over union of ``iou`` on; besides, each
    object has the anchor that overlaps it most, the first of equals, if any does. Of two objects with the same best
    anchor the earlier one has it. As in the paper of RetinaNet (arXiv:1708.02002 Sec. 4) with one threshold, of
    EfficientDet (arXiv:1911.09070).

    >>> anchors = torch.tensor([[0.0, 0, 8, 8], [8, 0, 16, 8], [0, 8, 8, 16]])
    >>> assign(anchors, [torch.tensor([[8.0, 0, 16, 8]])], [torch.tensor([2])]).labels.tolist()
    [[-1, 2, -1]]

    Shape: ``anchors`` [N, 4]; per image ``boxes`` [M, 4], left, top, right, bottom in the same pixels, and ``labels``
    [M], int64. Raises ValueError for boxes and labels of unequal numbers.
    """
    if [len(it) for it in boxes] != [len(it) for it in labels]:
        raise ValueError(
            f"there are {_listed(boxes)} boxes per image, but {_listed(labels)} labels; each box has one label"
        )
    found = [_assign(anchors, of_image, classes, iou) for of_image, classes in zip(boxes, labels, strict=True)]
    return Targets(torch.stack([it.labels for it in found]), torch.stack([it.offsets for it in found]))


def _listed(of_images: Sequence[Tensor]) -> str:
    return ", ".join(str(len(it)) for it in of_images)


def _assign(anchors: Tensor, boxes: Tensor, labels: Tensor, iou: float) -> Targets:
    every = torch.full((len(anchors),), BACKGROUND, dtype=torch.int64, device=anchors.device)
    if not len(boxes):
        return Targets(every, torch.zeros_like(anchors))
    overlaps = box_iou(boxes.to(anchors), anchors).nan_to_num(0.0)
    most, objects = overlaps.max(dim=0)
    objects = objects.where(most >= iou, BACKGROUND)
    best, places = overlaps.max(dim=1)
    for number in reversed(range(len(boxes))):
        objects[places[number]] = torch.where(best[number] > 0, number, objects[places[number]])
    positive = objects != BACKGROUND
    chosen = objects.clamp(min=0)
    offsets = encode(boxes.to(anchors)[chosen], anchors).where(positive[:, None], torch.zeros_like(anchors))
    return Targets(labels.to(every)[chosen].where(positive, BACKGROUND), offsets)
