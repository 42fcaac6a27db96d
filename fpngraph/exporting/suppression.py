"""Suppression of overlapping boxes within a program: of every image and class at once, for any number of images."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import nms  # type: ignore[import-untyped]  # torchvision has no hints

_ALWAYS_KEPT = ((-2.0, -2.0, -1.0, -1.0), (-4.0, -4.0, -3.0, -3.0))
"""Boxes that overlap no other: a program that torch has traced stops where nms keeps fewer than two."""
_NOT_OF_CLASS, _LOWEST = -1.0, -0.5  # a score is 0 or more


def kept_by_torchvision(boxes: Tensor, scores: Tensor, labels: Tensor, iou: float, num_classes: int) -> Tensor:
    """Which boxes no better one of their class overlaps by more than ``iou``.

    Images and classes are moved apart in float64, in which a box keeps its sides to a millionth of a pixel.

    Shape: boxes [B, N, 4] from 0 on, scores [B, N] from 0 on, labels [B, N] to [B, N], bool.
    """
    images, count = scores.shape
    group = labels + num_classes * torch.arange(images, device=labels.device)[:, None]
    known = boxes.double().nan_to_num(0.0)  # or one box that is no number would hide that others overlap
    end = functional.pad(known.flatten(), (0, 1)).amax()  # 0 where there are no images
    apart = known + (group * (end + 1))[..., None]
    more = apart.new_tensor(_ALWAYS_KEPT)
    rows = nms(torch.cat([apart.flatten(0, 1), more]), functional.pad(scores.flatten().double(), (0, len(more))), iou)
    kept = torch.zeros(images * count + len(more), dtype=torch.bool, device=boxes.device).index_fill(0, rows, True)
    return kept[: images * count].view(images, count)


@torch.library.custom_op("fpngraph::kept", mutates_args=())
def kept_by_onnx(boxes: Tensor, scores: Tensor, labels: Tensor, iou: float, num_classes: int) -> Tensor:
    """The same as one operator, which a model of ONNX has as its NonMaxSuppression."""
    return kept_by_torchvision(boxes, scores, labels, iou, num_classes)


@kept_by_onnx.register_fake
def _kept_shape(boxes: Tensor, scores: Tensor, labels: Tensor, iou: float, num_classes: int) -> Tensor:
    return torch.empty_like(scores, dtype=torch.bool)


def translations() -> dict[Any, Any]:
    """How torch's exporter to ONNX writes the operator."""
    import onnxscript
    from onnx import TensorProto

    op: Any = onnxscript.opset18  # its hints are for models that are written by hand

    def kept(boxes: Any, scores: Any, labels: Any, iou: float, num_classes: int) -> Any:
        own = op.OneHot(labels, op.Constant(value_ints=[num_classes]), op.Constant(value_ints=[0, 1]), axis=1)
        alone = op.Unsqueeze(scores, op.Constant(value_ints=[1]))
        by_class = op.Where(op.Cast(own, to=TensorProto.BOOL), alone, op.Constant(value_float=_NOT_OF_CLASS))
        every = op.Shape(scores, start=1, end=2)
        found = op.NonMaxSuppression(
            boxes, by_class, every, op.Constant(value_floats=[iou]), op.Constant(value_floats=[_LOWEST])
        )
        places = op.Gather(found, op.Constant(value_ints=[0, 2]), axis=1)  # image and box
        marks = op.Expand(op.Constant(value_float=1.0), op.Shape(places, start=0, end=1))
        none = op.ConstantOfShape(op.Shape(scores))
        return op.Cast(op.ScatterND(none, places, marks), to=TensorProto.BOOL)

    return {torch.ops.fpngraph.kept.default: kept}
