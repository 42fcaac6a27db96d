"""Maps as heads give them, for anchors of nine per place."""

from __future__ import annotations

import torch

from fpngraph.detection import Anchors, Predictions
from fpngraph.feature import Size

ANCHORS = Anchors(num_scales=3, aspect_ratios=((1.0, 1.0), (1.4, 0.7), (0.7, 1.4)), scale=4.0)
_STRIDES = (8, 16, 32, 64, 128)


def maps_of(size: tuple[int, int]) -> list[Size]:
    return [Size(-(-size[0] // stride), -(-size[1] // stride)) for stride in _STRIDES]


def predictions_of(size: tuple[int, int], *, num_classes: int = 90, images: int = 2) -> Predictions:
    """Scores that spread over 0 to 1, and boxes that differ from their anchors."""
    torch.manual_seed(0)
    each = ANCHORS.per_place
    classes = [3 * torch.randn(images, each * num_classes, *maps) - 4 for maps in maps_of(size)]
    return Predictions(classes, [0.5 * torch.randn(images, each * 4, *maps) for maps in maps_of(size)])
