"""The command that finds objects in images: a picture with boxes of each, and all detections as data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from fpngraph import efficientdet
from fpngraph.cli import findings
from fpngraph.cli.devices import device
from fpngraph.cli.graphs import is_readable
from fpngraph.cli.photos import Photo, paths_of, photos
from fpngraph.cli.trained import trained
from fpngraph.cli.values import UsageError, check_pixels, enough_memory
from fpngraph.detection.coco import Category, class_names, numbered
from fpngraph.detection.detector import Detector
from fpngraph.efficientdet.checkpoint import read_checkpoint
from fpngraph.efficientdet.weights import num_classes_in
from fpngraph.errors import GraphError
from fpngraph.weights.state import differences

_OWN_WEIGHTS = {"graph": "--graph", "params": "-p", "num_classes": "--num-classes"}
"""What published weights do not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """A model as somebody names it, what is changed of it, and where it runs."""

    name: str | None
    """None for that of a checkpoint that tells it."""
    checkpoint: str | None
    graph: str | None
    match: bool | None
    params: Mapping[str, Any]
    num_classes: int | None
    image_size: tuple[int, int] | None
    soft_nms: bool
    device: str | None

    def changes(self) -> dict[str, Any]:
        """What is changed of the model's configuration, by its fields. Raises UsageError for what nothing would fit."""
        asked = {
            "graph": self.graph,
            "params": dict(self.params),
            "num_classes": self.num_classes,
            "image_size": self.image_size,
            "soft_nms": self.soft_nms,
        }
        changes = {field: value for field, value in asked.items() if value}
        if self.name is None and (own := [option for field, option in _OWN_WEIGHTS.items() if field in changes]):
            raise UsageError(f"{own[0]} changes a --model\n  hint: without one, a checkpoint of 'train' says its own")
        if self.match is not None:
            if not self.graph:
                raise UsageError("--match and --no-match are for --graph FILE")
            changes["match"] = self.match
        for field, option in _OWN_WEIGHTS.items():
            if field in changes and not self.checkpoint:
                raise UsageError(f"{option} needs weights that fit\n  hint: add --checkpoint FILE")
        return changes


def detect(  # noqa: PLR0913  (the options of a run)
    images: Sequence[str],
    folder: Path,
    choice: ModelChoice,
    *,
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
    if planned:
        _check_places(planned, folder, force=force)
        model, categories = _model(choice, _labels(labels_file))
        detector = Detector(model.fuse())
        with enough_memory("--batch-size and --image-size can be smaller"):
            read = findings.write(detector, planned, categories, score=score, batch_size=batch_size)
    else:
        read = 0
    if not read:
        return 2
    return 1 if missing or read < len(planned) else 0


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


def _labels(path: str | None) -> list[str] | None:
    """The names of the classes in a file, one per line."""
    if path is None:
        return None
    try:
        names = [name.strip() for name in Path(path).read_text(encoding="utf-8-sig").rstrip().split("\n")]
    except UnicodeDecodeError as error:
        raise UsageError(f"{path!r} is no text in UTF-8") from error
    if "" in names:
        raise UsageError(f"{path!r} has no name in line {names.index('') + 1}\n  hint: write one per line")
    return names


def _names(labels: list[str] | None, num_classes: int) -> list[str]:
    if labels is not None and len(labels) != num_classes:
        raise UsageError(f"--labels has {len(labels)} names, but the model has {num_classes} classes")
    return labels or class_names(num_classes)


def _model(choice: ModelChoice, labels: list[str] | None) -> tuple[efficientdet.EfficientDet, Sequence[Category]]:
    """The model that is asked for, with its weights, and its classes. Raises UsageError or GraphError."""
    changes = choice.changes()
    place = device(choice.device)
    if choice.name is None:
        model, categories = trained(str(choice.checkpoint), **changes)
        if labels:
            names = _names(labels, len(categories))
            categories = tuple(it._replace(name=name) for it, name in zip(categories, names, strict=True))
        return model.to(place).eval(), categories
    try:
        published = efficientdet.config(choice.name)
        state = read_checkpoint(choice.checkpoint, ema=None) if choice.checkpoint else {}
        known = choice.num_classes or num_classes_in(state, published.num_anchors) or published.num_classes
        _names(labels, known)  # what does not fit is told before anything large is fetched or made
        if known != published.num_classes:
            changes["num_classes"] = known
        model = _loaded(choice.name, choice.checkpoint, state, changes)
    except GraphError as error:
        if choice.graph and not is_readable(choice.graph):
            raise UsageError(str(error)) from error
        raise
    except (ValueError, efficientdet.DownloadError) as error:  # no such model, or no weights that fit
        raise UsageError(str(error)) from error
    return model.to(place).eval(), numbered(_names(labels, model.config.num_classes))


def _loaded(
    name: str, checkpoint: str | None, state: Mapping[str, Tensor], changes: dict[str, Any]
) -> efficientdet.EfficientDet:
    with findings.told(efficientdet.UnmatchedWarning, {"match=True": "--match", "match=False": "--no-match"}):
        model = efficientdet.create(name, pretrained=checkpoint is None, **changes)
    if checkpoint is not None:
        if not list(differences(state, model.state_dict())):
            model.load_state_dict(state)  # what torch.save has written of one of ours
        else:
            efficientdet.load_effdet(model, checkpoint)
    return model
