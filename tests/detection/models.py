"""Detectors of two kinds: EfficientDet, and a pyramid with two plain convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fpngraph import FeaturePyramid
from fpngraph.detection import Anchors, Normalization, Predictions, Suppression
from fpngraph.efficientdet import EfficientDet
from tests.efficientdet.test_model import small

SIZE = (128, 128)


class PlainDetector(nn.Module):
    """A pyramid and two heads of one convolution each; scores differ from place to place."""

    image_size = SIZE
    anchors = Anchors(num_scales=2, aspect_ratios=(1.0, 2.0), scale=8.0)
    normalization = Normalization(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), fill=0)
    suppression = Suppression(max_candidates=500, max_detections=100, iou=0.7)

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.pyramid = FeaturePyramid("mobilenetv3_small_050", "fpn", params={"channels": 16})
        self.class_head = nn.Conv2d(16, self.anchors.per_place * num_classes, 3, padding=1)
        self.box_head = nn.Conv2d(16, self.anchors.per_place * 4, 3, padding=1)
        nn.init.normal_(self.class_head.weight, std=0.03)
        nn.init.normal_(self.box_head.weight, std=0.3)
        nn.init.ones_(self.box_head.bias)  # large boxes, which reach the borders of their image

    def forward(self, images: Tensor) -> Predictions:
        maps = self.pyramid(images).values()
        return Predictions([self.class_head(x) for x in maps], [self.box_head(x) for x in maps])


def efficientdet_model() -> EfficientDet:
    model = small(num_classes=5, image_size=SIZE)
    for parameter in model.class_head.predict.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model


MODELS = {"EfficientDet": efficientdet_model, "a pyramid with plain heads": lambda: PlainDetector(num_classes=5)}
