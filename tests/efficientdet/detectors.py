"""effdet's detectors and ours of the same configuration, with equal weights."""

from __future__ import annotations

from typing import Any

import torch
from effdet import EfficientDet as EffdetModel
from effdet.config import get_efficientdet_config
from torch import Tensor

from fpngraph.efficientdet import EfficientDet, create, load_effdet
from tests.equality.effdet_reference import calibrate, randomise

SMALL = {"backbone": "mobilenetv3_small_050", "backbone_args": {}, "head_repeats": 2}
"""Changes to our configurations for a detector that is quick; their neck is of 16 channels and 2 cells."""
_SMALL_EFFDET = {
    "backbone_name": SMALL["backbone"],
    "backbone_args": {},
    "backbone_indices": None,
    "fpn_channels": 16,
    "fpn_cell_repeats": 2,
    "box_class_repeats": 2,
}


def effdet_model(
    name: str, image_size: tuple[int, int], *, alternate_init: bool = False, **changes: Any
) -> EffdetModel:
    """effdet's detector for images of this size, (height, width); it has no other size."""
    config = get_efficientdet_config(name)
    config.update({"image_size": image_size, **changes})
    return EffdetModel(config, pretrained_backbone=False, alternate_init=alternate_init)


def small_effdet_model(name: str, image_size: tuple[int, int] = (128, 128), **changes: Any) -> EffdetModel:
    return effdet_model(name, image_size, **_SMALL_EFFDET | changes)


def small_model(name: str, **changes: Any) -> EfficientDet:
    params = {"channels": 16, "repeats": 2} | changes.pop("params", {})
    return create(name, params=params, **SMALL | changes)


def equal_weights(theirs: EffdetModel, ours: EfficientDet, image_size: tuple[int, int]) -> None:
    """Give effdet's model weights as after a training, and our own the same, both in float64 and for predictions."""
    randomise(theirs.double())
    calibrate(theirs, torch.randn(2, 3, *image_size, dtype=torch.float64))
    load_effdet(ours.double(), theirs.state_dict())
    theirs.eval()
    ours.eval()


def maps(model: EffdetModel | EfficientDet, images: Tensor) -> list[Tensor]:
    """The class maps, then the box maps."""
    classes, boxes = model(images)
    return [*classes, *boxes]
