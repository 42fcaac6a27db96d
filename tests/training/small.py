"""A detector and settings that train in seconds."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import fpngraph
from fpngraph import efficientdet
from fpngraph.training import Augmentation, CocoData, TrainingSettings

Parts = tuple[CocoData, CocoData]
SMALL = {"train": 24, "val": 8}
SETTINGS = TrainingSettings(epochs=4, batch_size=6, lr=2e-3, workers=0, ema=0.9, augmentation=Augmentation(flip=0))


def detector(**changes: Any) -> efficientdet.EfficientDet:
    graph = fpngraph.load("fpn", min=3, backbone_max=5, max=6, channels=16)
    return efficientdet.create(
        "efficientdet_d0",
        graph=graph,
        match=False,
        backbone="test_efficientnet",
        backbone_args={},
        **{"head_repeats": 1, "num_classes": 10, "image_size": (64, 64)} | changes,
    )


def curve(folder: Path) -> list[dict[str, str]]:
    """The rows of ``metrics.csv``."""
    return list(csv.DictReader((folder / "metrics.csv").read_text(encoding="utf-8").splitlines()))
