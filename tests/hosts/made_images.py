"""A data set as Ultralytics reads it: a few images with a box or an outline each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIDE_PX = 128
OUTLINE = "0 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75"
BOX = "1 0.5 0.5 0.5 0.5"


def write(folder: Path, *, labels: str, count: int = 4) -> Path:
    """The path of its ``data.yaml``; all images are of both parts, and all have the same labels."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 100, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
        image = Image.fromarray(pixels)
        ImageDraw.Draw(image).rectangle((32, 32, 96, 96), fill=(250, 60 * number, 0))
        image.save(folder / "images" / f"{number}.png")
        (folder / "labels" / f"{number}.txt").write_text(labels, encoding="utf-8")
    data = folder / "data.yaml"
    data.write_text(f"path: {folder}\ntrain: images\nval: images\nnames: [square, box]\n", encoding="utf-8")
    return data
