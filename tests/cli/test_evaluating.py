"""What is measured is what was looked at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from fpngraph.cli.evaluating import average_precision, of_finder
from fpngraph.detection import Category, Detections
from fpngraph.detection.detector import Picture

BOX = (8.0, 8.0, 40.0, 48.0)


class Sure:
    """Finds the box that is in every image."""

    def detect(
        self, images: Sequence[Picture], *, image_size: tuple[int, int] | None = None, batch_size: int = 1
    ) -> list[Detections]:
        return [Detections(torch.tensor([BOX]), torch.ones(1), torch.zeros(1, dtype=torch.int64)) for _ in images]


def test_images_and_objects_that_are_left_out_do_not_count(tmp_path: Path) -> None:
    left, top, right, bottom = BOX
    rows = [{"id": number, "file_name": f"{number}.png", "width": 64, "height": 64} for number in (1, 2, 3)]
    objects = [
        {"id": number, "image_id": number, "category_id": 5, "bbox": [left, top, right - left, bottom - top]}
        for number in (1, 2, 3)
    ]
    truth = tmp_path / "val.json"
    objects.append({"id": 9, "image_id": 1, "category_id": 5, "bbox": [60, 60, 40, 40]})
    categories = [{"id": 5, "name": "a"}]
    truth.write_text(json.dumps({"images": rows, "annotations": objects, "categories": categories}))
    for number in (1, 3):
        Image.new("RGB", (64, 64)).save(tmp_path / f"{number}.png")

    found = of_finder(Sure(), [Category(5, "a")], tmp_path, truth, skip_bad=True)

    assert [row["image_id"] for row in found.rows] == [1, 3]
    assert average_precision(truth, found).ap["AP"] == 1.0
