"""The command that measures: detections of a model or of a file, a table, and files to look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fpngraph.cli.detectors import trained
from fpngraph.cli.devices import device
from fpngraph.cli.extras import extra
from fpngraph.cli.findings import Finder, progress
from fpngraph.cli.training import check_is_folder, show
from fpngraph.cli.values import UsageError, check_pixels, enough_memory
from fpngraph.detection.coco import Category, results
from fpngraph.detection.detector import Detector
from fpngraph.exporting.runtime import OnnxDetector
from fpngraph.files import replace_file
from fpngraph.training import read_coco
from fpngraph.training.coco import is_box, numbers_in

if TYPE_CHECKING:
    from fpngraph.training import Evaluation

Rows = list[dict[str, Any]]


class Found(NamedTuple):
    """Detections in COCO's format of results."""

    rows: Rows
    images: tuple[int, ...] | None = None
    """The numbers of the images that were looked at; None: all."""
    left_out: frozenset[int] = frozenset()
    """The places of the annotations that do not count."""


def of_file(path: str, annotations: Path) -> Found:
    """Detections in COCO's format of results, of images in a file of annotations.

    Raises UsageError and DataError for files that are none, or that are not of the same images and classes.
    """
    images, categories = numbers_in(annotations)
    try:
        rows = json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path!r} is no JSON") from error
    wanted = {"image_id": int, "category_id": int, "bbox": list, "score": int | float}
    for place, row in enumerate(rows if isinstance(rows, list) else [rows]):
        if not isinstance(row, dict) or any(not isinstance(row.get(key), kind) for key, kind in wanted.items()):
            raise UsageError(f"{path!r}: entry {place} is no detection, with {', '.join(wanted)}")
        if not (is_box(row["bbox"]) and isfinite(row["score"])):
            raise UsageError(f"{path!r}: entry {place} must have four numbers as 'bbox', and a number as 'score'")
        if row["image_id"] not in images:
            raise UsageError(f"{path!r}: entry {place} is of image {row['image_id']}, which {str(annotations)!r} lacks")
    if not isinstance(rows, list):
        raise UsageError(f"{path!r} must be a list of detections")
    if rows and categories.isdisjoint(row["category_id"] for row in rows):
        raise UsageError(f"{path!r} has no detection of a category of {str(annotations)!r}")
    return Found(rows)


def finder(
    weights: str, device_name: str | None, image_size: tuple[int, int] | None
) -> tuple[Finder, Sequence[Category]]:
    """The detector of a checkpoint, or of a file of ONNX, and its classes."""
    check_pixels(image_size)
    if weights.endswith(".onnx"):
        program = OnnxDetector(weights, device=device_name or "cpu")
        if image_size:
            program.check(image_size)
        return program, program.description.categories
    place = device(device_name)
    model, categories = trained(
        weights, "'fpngraph detect --model NAME' finds objects with weights of effdet's; --results measures these"
    )
    return Detector(model.to(place).eval().fuse()), categories


def of_finder(  # noqa: PLR0913  (the options of a run)
    detector: Finder,
    categories: Sequence[Category],
    images: Path,
    annotations: Path,
    *,
    image_size: tuple[int, int] | None = None,
    batch_size: int = 1,
    skip_bad: bool = False,
) -> Found:
    """What a detector finds in the images of a data set. Raises DataError for data that are wrong."""
    data = read_coco(images, annotations, categories=categories, skip_bad=skip_bad)
    rows: Rows = []
    batches = [data.examples[start : start + batch_size] for start in range(0, len(data.examples), batch_size)]
    with enough_memory("--batch-size and --image-size can be smaller"), progress(len(batches), "evaluate") as advance:
        for batch in batches:
            found = detector.detect([it.path for it in batch], image_size=image_size, batch_size=batch_size)
            for example, of_image in zip(batch, found, strict=True):
                rows += results(of_image, example.id, categories)
            advance()
    return Found(rows, tuple(example.id for example in data.examples), data.left_out)


def average_precision(annotations: Path, found: Found) -> Evaluation:
    """What detections are worth. Raises UsageError where a package for it is missing."""
    _import()
    from fpngraph.training.evaluation import evaluate

    return evaluate(annotations, found.rows, images=found.images, left_out=found.left_out)


def _import() -> None:
    """Raise UsageError where a package that measures is missing."""
    with extra("train"):
        import_module("fpngraph.training.evaluation")
        import_module("fpngraph.training.plots")


def check(folder: Path | None, *, force: bool) -> None:
    """Raise UsageError where a package is missing, or what is there would be written over."""
    _import()
    if folder is None:
        return
    check_is_folder(folder)
    taken = [file for file in _files(folder) if file.exists()]
    if taken and not force:
        raise UsageError(f"{str(taken[0])!r} exists already\n  hint: add --force to write over it")


def report(annotations: Path, found: Found, folder: Path | None) -> int:
    """Print what the detections are worth, and write it to a folder where one is named."""
    evaluation = average_precision(annotations, found)
    show(evaluation)
    if folder:
        from fpngraph.training.plots import per_class, precision_recall

        folder.mkdir(parents=True, exist_ok=True)
        texts = (_json(asdict(evaluation)), _json(found.rows), precision_recall(evaluation), per_class(evaluation))
        files = _files(folder)
        for file, content in zip(files, texts, strict=True):
            replace_file(file, content)
        print(f"wrote {', '.join(map(str, files))}")
    return 0


def _files(folder: Path) -> list[Path]:
    return [folder / name for name in ("metrics.json", "results.json", "precision_recall.svg", "classes.svg")]


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()
