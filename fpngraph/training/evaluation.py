"""What detections are worth beside the truth, as pycocotools measures it."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO  # type: ignore[import-untyped]  # it has no hints
from pycocotools.cocoeval import COCOeval  # type: ignore[import-untyped]  # as above

_NAMES = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
_OF_RESULTS = ("image_id", "category_id", "bbox", "score")
_NOTHING = -1  # what pycocotools has where there is no object


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Average precision, 0 to 1, of COCO's kinds; None where there is no object to find."""

    ap: Mapping[str, float | None]
    """By ``AP`` (over IoU 0.50 to 0.95), ``AP50``, ``AP75``, ``AP_small``, ``AP_medium``, ``AP_large``."""
    per_class: Mapping[str, float | None]
    """AP by the name of each category."""
    precision: Mapping[str, tuple[float, ...]]
    """By the name of each category, precision at an IoU of 0.5 for recalls of 0, 0.01 to 1."""


def evaluate(
    annotations: str | os.PathLike[str],
    results: Sequence[Mapping[str, Any]],
    *,
    images: Sequence[int] | None = None,
    left_out: Container[int] = (),
) -> Evaluation:
    """Measure detections, rows of COCO's format of results, against a file of annotations.

    Of ``images`` if that is given, by their numbers, else of all in the file. ``left_out`` are annotations that do not
    count, by their places in the file, as ``CocoData`` has them. Needs pycocotools.

    >>> box = {"image_id": 1, "category_id": 7, "bbox": [8, 8, 40, 40]}
    >>> truth = {"images": [{"id": 1}], "categories": [{"id": 7, "name": "cat"}], "annotations": [box | {"id": 1}]}
    >>> _ = Path("val.json").write_text(json.dumps(truth))
    >>> round(evaluate("val.json", [box | {"score": 0.9}]).ap["AP"], 2)
    1.0
    """
    data = json.loads(Path(annotations).read_bytes())
    if images is None:
        images = [it["id"] for it in data["images"]]
    objects = [it for place, it in enumerate(data["annotations"]) if place not in left_out]
    boxes = [{key: it[key] for key in _OF_RESULTS} for it in results]
    with contextlib.redirect_stdout(io.StringIO()):  # it tells of every step
        truth, found = (_coco(images, data["categories"], rows) for rows in (objects, boxes))
        measured = COCOeval(truth, found, "bbox")
        measured.evaluate()
        measured.accumulate()
        measured.summarize()
    names = {it["id"]: it["name"] for it in data["categories"]}
    by_class = measured.eval["precision"][..., 0, -1]  # IoU, recall, class
    classes = [names[number] for number in measured.params.catIds]
    return Evaluation(
        {name: _known(value) for name, value in zip(_NAMES, measured.stats, strict=False)},
        {name: _mean(by_class[:, :, place]) for place, name in enumerate(classes)},
        {name: tuple(by_class[0, :, place].tolist()) for place, name in enumerate(classes)},
    )


def _coco(images: Iterable[int], categories: Any, rows: Iterable[Mapping[str, Any]]) -> COCO:
    """What pycocotools reads of boxes. It takes one of the number 0 for none at all, so that they are counted anew."""
    found = COCO()
    found.dataset = {
        "images": [{"id": number} for number in images],
        "categories": categories,
        "annotations": [{**_said(row), "id": number} for number, row in enumerate(rows, start=1)],
    }
    found.createIndex()
    return found


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row says of a box, with what it may leave out."""
    width, height = row["bbox"][2:]
    return {"area": width * height, "iscrowd": 0} | {key: value for key, value in row.items() if value is not None}


def _known(value: float) -> float | None:
    return None if value == _NOTHING else float(value)


def _mean(precision: np.ndarray[Any, Any]) -> float | None:
    known = precision[precision > _NOTHING]
    return float(known.mean()) if known.size else None
