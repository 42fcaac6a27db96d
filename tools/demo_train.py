"""A detector from nothing: scenes of real handwritten digits in, its precision and pictures of what it finds out.

Run: python -m tools.demo_train [FOLDER] [--all]    (default: demo/train; --all trains every neck of NECKS)
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import fpngraph
from fpngraph import efficientdet
from fpngraph.detection import Detector, open_image
from fpngraph.detection.annotate import annotate
from fpngraph.files import replace_file
from fpngraph.table import Column, print_table
from fpngraph.training import Augmentation, CocoData, TrainingSettings, fit, read_coco, read_saved
from tools.canvases import SIDE, write

SCENES = {"train": 1200, "val": 150}
BACKBONE = "test_efficientnet"  # timm's smallest
NECKS: Mapping[str, Mapping[str, Any]] = {
    "bifpn": {"max": 5, "channels": 64, "repeats": 2},
    "pan_effdet": {"max": 5, "channels": 64, "repeats": 2},
    "fpn": {"min": 3, "max": 5, "channels": 64, "smooth": ["act", {"separable_conv": {}}, "norm"]},
}
SETTINGS = TrainingSettings(
    epochs=22,
    batch_size=16,
    lr=5e-3,
    weight_decay=0.01,
    ema=0.99,
    workers=0,  # two cores: a loader beside two threads of torch makes all three wait
    augmentation=Augmentation(scales=(0.9, 1.1), flip=0, colour=0.05),  # a digit in a mirror is another one, or none
)


def main() -> None:
    """Prints what each neck is worth, and writes curves, checkpoints and pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("demo/train"))
    parser.add_argument("--all", action="store_true", help="train every neck, not bifpn alone")
    asked = parser.parse_args()
    files = write(asked.folder / "scenes", **SCENES)
    train, val = (read_coco(file.with_suffix(""), file) for file in files)
    rows = []
    for name in NECKS if asked.all else ("bifpn",):
        started = time.monotonic()
        torch.manual_seed(SETTINGS.seed)
        model = _model(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Lightning's, about what is chosen here
            fitted = fit(model, train, val, asked.folder / name, SETTINGS, recipe=efficientdet.recipe(model))
        assert fitted.evaluation is not None
        cost = fpngraph.cost(model.neck.source_graph, model.neck.in_channels, SIDE)
        ap = fitted.evaluation.ap["AP"] or 0.0
        parameters = sum(x.numel() for x in model.parameters())
        minutes = (time.monotonic() - started) / 60
        rows.append([name, f"{ap:.3f}", f"{parameters:,}", f"{cost.parameters:,}", f"{cost.macs:,}", f"{minutes:.1f}"])
        _draw(fitted.best, val, asked.folder / f"{name}.png")
    headings = ("neck", "AP", "parameters", "of the neck", "its MACs", "minutes")
    print_table([Column(it, right=it != "neck") for it in headings], rows)
    print(f"wrote {asked.folder}: for each neck its checkpoints, metrics.csv, and a picture of what it finds")


def _model(name: str) -> efficientdet.EfficientDet:
    return efficientdet.create(
        "efficientdet_d0",
        graph=fpngraph.load(name, **NECKS[name]),
        match=False,
        backbone=BACKBONE,
        backbone_args={},
        head_repeats=2,
        num_classes=10,
        image_size=(SIDE, SIDE),
        anchor_scale=2.5,
    )


def _draw(checkpoint: Path, data: CocoData, path: Path) -> None:
    """What the detector of a checkpoint finds in the first scenes, side by side."""
    from io import BytesIO

    from PIL import Image

    saved = read_saved(checkpoint)
    model = efficientdet.from_recipe(saved.recipe)
    model.load_state_dict(dict(saved.state))
    images = [open_image(it.path) for it in data.examples[:6]]
    names = [it.name for it in saved.categories]
    sheet = Image.new("RGB", (3 * 4 * SIDE, 2 * 4 * SIDE))
    for place, (image, found) in enumerate(zip(images, Detector(model.fuse()).detect(images), strict=True)):
        large = image.resize((4 * SIDE, 4 * SIDE))
        larger = replace(found, boxes=found.boxes * 4)
        sheet.paste(annotate(large, larger, names, score=0.4), (place % 3 * 4 * SIDE, place // 3 * 4 * SIDE))
    buffer = BytesIO()
    sheet.save(buffer, "png")
    replace_file(path, buffer.getvalue())


if __name__ == "__main__":
    main()
