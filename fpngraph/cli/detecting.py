"""The command that finds objects in images: a picture with boxes of each, and all detections as data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fpngraph.cli import findings
from fpngraph.cli.detectors import DetectorChoice, labels_in, renamed
from fpngraph.cli.devices import device
from fpngraph.cli.findings import Finder
from fpngraph.cli.options import refuse_given
from fpngraph.cli.photos import Photo, paths_of, photos
from fpngraph.cli.values import UsageError, check_pixels, enough_memory
from fpngraph.detection.coco import Category
from fpngraph.detection.detector import Detector
from fpngraph.exporting.runtime import OnnxDetector


def detect(  # noqa: PLR0913  (the options of a run)
    images: Sequence[str],
    folder: Path,
    choice: DetectorChoice,
    *,
    runtime: str,
    device_name: str | None,
    labels_file: str | None,
    score: float,
    batch_size: int,
    force: bool,
) -> int:
    """Find what is in images. The status is 1 if only some of them can be read, and 2 if none can."""
    check_pixels(choice.image_size)
    paths, missing = paths_of(images)
    for path, problem in missing:
        findings.complain(path, problem)
    planned = photos(paths, folder)
    read = 0
    if planned:
        _check_places(planned, folder, force=force)
        labels = labels_in(labels_file)
        detector, categories = (_program if runtime == "onnx" else _network)(choice, device_name, labels)
        with enough_memory("--batch-size and --image-size can be smaller"):
            read = findings.write(
                detector, planned, categories, image_size=choice.image_size, score=score, batch_size=batch_size
            )
    if not read:
        return 2
    return 1 if missing or read < len(planned) else 0


def _network(
    choice: DetectorChoice, device_name: str | None, labels: list[str] | None
) -> tuple[Finder, Sequence[Category]]:
    """What torch runs."""
    if choice.model is None and choice.weights is None:
        raise UsageError("--model NAME or --weights FILE is required")
    place = device(device_name)
    model, categories = choice.make(labels)
    return Detector(model.to(place).eval().fuse()), categories


def _program(
    choice: DetectorChoice, device_name: str | None, labels: list[str] | None
) -> tuple[Finder, Sequence[Category]]:
    """What ONNX Runtime runs."""
    if choice.weights is None:
        raise UsageError("--runtime onnx needs a detector of 'export'\n  hint: add --weights detector.onnx")
    of_torch = {
        "--model": choice.model,
        "--graph": choice.graph,
        "--match": choice.match is not None,
        "--preset": choice.preset,
        "-p": choice.params,
        "--graphs": choice.folder,
        "--num-classes": choice.num_classes,
        "--soft-nms": choice.soft_nms,
    }
    refuse_given(of_torch, "is for weights of torch: in a file of ONNX all that is decided")
    detector = OnnxDetector(choice.weights, device=device_name or "cpu")
    return detector, renamed(detector.description.categories, labels)


def _check_places(planned: Sequence[Photo], folder: Path, *, force: bool) -> None:
    """Raise UsageError where the run would write over what is there."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is no folder")
    inputs = {os.path.realpath(photo.path) for photo in planned}
    for photo in planned:
        if os.path.realpath(photo.output) in inputs:
            hint = "name another folder with -o"
            raise UsageError(f"{str(photo.output)!r} is an image itself, and would be written over\n  hint: {hint}")
    for place in [*findings.files_in(folder), *(photo.output for photo in planned)]:
        if place.exists() and not force:
            raise UsageError(f"{str(place)!r} exists already\n  hint: add --force to write over it")
