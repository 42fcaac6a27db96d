"""A checkpoint as ``fpngraph train`` writes it, of a detector that is quick."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from fpngraph import efficientdet
from fpngraph.detection import Category
from fpngraph.training.saved import KEY, entry
from tests.exporting.test_detectors import trained
from tests.training.small import detector

CATEGORIES = [Category(2 * number + 1, f"digit {number}") for number in range(10)]


def write_checkpoint(path: Path, categories: Sequence[Category] = CATEGORIES) -> efficientdet.EfficientDet:
    """Write it; the detector that is in it."""
    model: efficientdet.EfficientDet = trained(detector(image_size=(128, 128)))
    state = {f"model.{name}": x for name, x in model.state_dict().items()}
    torch.save({"state_dict": state, KEY: entry(efficientdet.recipe(model), categories, {})}, path)
    return model
