"""Classes and files as COCO has them: its names, its format of results, and the images that results are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fpngraph.detection.boxes import Detections
from fpngraph.photos import Photo

FIRST = 1
"""The category of class 0."""


def class_names(num_classes: int) -> list[str]:
    """COCO's names for as many classes as it has categories (of 90 it labels 80), else numbers."""
    names = Path(__file__).with_name("coco.txt").read_text(encoding="utf-8").splitlines()
    return names if len(names) == num_classes else [f"{FIRST + number}" for number in range(num_classes)]


def results(found: Detections, image_id: int) -> list[dict[str, Any]]:
    """Detections as the rows that pycocotools' ``loadRes`` reads: boxes are left, top, width, height."""
    boxes, scores, labels = found.boxes.tolist(), found.scores.tolist(), found.labels.tolist()
    return [
        {
            "image_id": image_id,
            "category_id": FIRST + label,
            "bbox": [round(value, 3) for value in (left, top, right - left, bottom - top)],
            "score": round(score, 6),
        }
        for (left, top, right, bottom), score, label in zip(boxes, scores, labels, strict=True)
    ]


def dataset(sizes: Mapping[Photo, tuple[int, int]], names: Sequence[str]) -> dict[str, Any]:
    """A dataset without annotations, as pycocotools' ``COCO`` reads it: the images by their ids, and the categories.

    ``sizes`` are the images' widths and heights in pixels.
    """
    return {
        "info": {},
        "images": [
            {"id": photo.image_id, "file_name": photo.path.as_posix(), "width": width, "height": height}
            for photo, (width, height) in sizes.items()
        ],
        "categories": [{"id": FIRST + number, "name": name} for number, name in enumerate(names)],
        "annotations": [],
    }
