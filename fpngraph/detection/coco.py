"""Classes and files as COCO has them: its names, its format of results, and the images that results are of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fpngraph.detection.boxes import Detections

FIRST = 1
"""The category of class 0, where nobody says another."""


class Category(NamedTuple):
    """A class by COCO's number for it. Its place among all categories is its label."""

    id: int
    name: str


class CocoImage(NamedTuple):
    """An image as COCO's files tell of it. Its sides are in pixels."""

    id: int
    file_name: str
    width: int
    height: int


def class_names(num_classes: int) -> list[str]:
    """COCO's names for as many classes as it has categories (of 90 it labels 80), else numbers."""
    names = Path(__file__).with_name("coco.txt").read_text(encoding="utf-8").splitlines()
    return names if len(names) == num_classes else [f"{FIRST + number}" for number in range(num_classes)]


def numbered(names: Sequence[str]) -> list[Category]:
    """Categories of these names, numbered from ``FIRST`` on."""
    return [Category(FIRST + number, name) for number, name in enumerate(names)]


def results(found: Detections, image_id: int, categories: Sequence[Category]) -> list[dict[str, Any]]:
    """Detections as the rows that pycocotools' ``loadRes`` reads: boxes are left, top, width, height."""
    boxes, scores, labels = found.boxes.tolist(), found.scores.tolist(), found.labels.tolist()
    return [
        {
            "image_id": image_id,
            "category_id": categories[label].id,
            "bbox": [round(value, 3) for value in (left, top, right - left, bottom - top)],
            "score": round(score, 6),
        }
        for (left, top, right, bottom), score, label in zip(boxes, scores, labels, strict=True)
    ]


def dataset(images: Iterable[CocoImage], categories: Sequence[Category]) -> dict[str, Any]:
    """A dataset without annotations, as pycocotools' ``COCO`` reads it: the images, and the categories."""
    return {
        "info": {},
        "images": [image._asdict() for image in images],
        "categories": [it._asdict() for it in categories],
        "annotations": [],
    }
