"""Scenes of handwritten digits as a data set in COCO's format, to train on where there is no network.

The digits are real: scikit-learn ships 1,797 of 8x8 pixels (UCI, public domain). Those of the training scenes are of
other writers' pages than those of the validation scenes. Example: ``python tools/canvases.py canvases/``
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

SIDE = 128
_TRAINED = 1400  # digits for training, the rest is for validation
Box = tuple[int, int, int, int]


def write(folder: Path, *, train: int = 600, val: int = 150, seed: int = 0) -> tuple[Path, Path]:
    """``train/`` and ``val/`` with images, and a file of annotations of each; the two files."""
    digits = load_digits()
    pictures = (255 - digits.images * (255 / 16)).astype(np.uint8)
    parts = {"train": (slice(None, _TRAINED), train), "val": (slice(_TRAINED, None), val)}
    files = []
    for number, (name, (part, scenes)) in enumerate(parts.items()):
        generator = np.random.default_rng([seed, number])
        files.append(_write_part(folder / name, pictures[part], digits.target[part], scenes, generator))
    return files[0], files[1]


def _write_part(folder: Path, pictures: Any, labels: Any, scenes: int, generator: np.random.Generator) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for number in range(1, scenes + 1):
        canvas, objects = _scene(pictures, labels, generator)
        canvas.save(folder / f"{number:05}.png")
        images.append({"id": number, "file_name": f"{number:05}.png", "width": SIDE, "height": SIDE})
        for (left, top, right, bottom), label in objects:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": label + 1,
                    "bbox": [left, top, right - left, bottom - top],
                    "area": (right - left) * (bottom - top),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": digit + 1, "name": str(digit)} for digit in range(10)]
    file = folder.with_suffix(".json")
    file.write_text(
        json.dumps({"images": images, "categories": categories, "annotations": annotations}), encoding="utf-8"
    )
    return file


def _scene(pictures: Any, labels: Any, generator: np.random.Generator) -> tuple[Image.Image, list[tuple[Box, int]]]:
    """Up to six digits of 16 to 48 pixels on coloured paper, none on another."""
    paper = generator.integers(150, 256, 3)
    canvas = np.clip(paper + generator.normal(0, 8, (SIDE, SIDE, 3)), 0, 255)
    objects: list[tuple[Box, int]] = []
    for _ in range(generator.integers(1, 7)):
        choice, side = generator.integers(len(pictures)), int(generator.integers(16, 49))
        left, top = (int(value) for value in generator.integers(0, SIDE - side, 2))
        box = (left, top, left + side, top + side)
        if any(_meet(box, other) for other, _ in objects):
            continue
        ink = np.asarray(Image.fromarray(pictures[choice]).resize((side, side), Image.Resampling.BICUBIC)) / 255
        canvas[top : top + side, left : left + side] *= ink[..., None]
        objects.append((_tight(ink, left, top), int(labels[choice])))
    return Image.fromarray(canvas.astype(np.uint8)), objects


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _tight(ink: Any, left: int, top: int) -> Box:
    """The box around what is darker than paper."""
    rows, columns = np.nonzero(ink < 0.7)
    return (
        left + int(columns.min()),
        top + int(rows.min()),
        left + int(columns.max()) + 1,
        top + int(rows.max()) + 1,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    print(*write(parser.parse_args().folder), sep="\n")
