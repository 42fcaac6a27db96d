"""The command that finds objects in images: a picture with boxes of each, and all detections as data."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from fpngraph import efficientdet
from fpngraph.cli import findings
from fpngraph.cli.devices import device
from fpngraph.cli.graphs import is_readable
from fpngraph.cli.photos import Photo, paths_of, photos
from fpngraph.cli.values import UsageError, check_pixels, enough_memory
from fpngraph.detection.coco import class_names
from fpngraph.efficientdet.checkpoint import read_checkpoint
from fpngraph.efficientdet.weights import num_classes_in
from fpngraph.errors import GraphError
from fpngraph.weights.state import differences

_OWN_WEIGHTS = {"graph": "--graph", "params": "-p", "num_classes": "--num-classes"}
"""What published weights do not fit."""


def detect(args: argparse.Namespace) -> int:
    """Find what is in images. The status is 1 if only some of them can be read, and 2 if none can."""
    check_pixels(args.image_size)
    paths, missing = paths_of(args.images)
    for path, problem in missing:
        findings.complain(path, problem)
    planned = photos(paths, Path(args.output))
    if planned:
        _check_places(planned, Path(args.output), force=args.force)
        labels = _labels(args.labels)
        model = _model(args, labels)
        names, detector = _names(labels, model.config.num_classes), efficientdet.Detector(model.fuse())
        with enough_memory("--batch-size and --image-size can be smaller"):
            read = findings.write(detector, planned, names, score=args.score, batch_size=args.batch_size)
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


def _model(args: argparse.Namespace, labels: list[str] | None) -> efficientdet.EfficientDet:
    """The model that is asked for, with its weights. Raises UsageError or GraphError."""
    asked = {
        "graph": args.graph,
        "params": dict(args.params),
        "num_classes": args.num_classes,
        "image_size": args.image_size,
        "soft_nms": args.soft_nms,
    }
    changes = {field: value for field, value in asked.items() if value}
    if args.match is not None:
        if not args.graph:
            raise UsageError("--match and --no-match are for --graph FILE")
        changes["match"] = args.match
    for field, option in _OWN_WEIGHTS.items():
        if field in changes and not args.checkpoint:
            raise UsageError(f"{option} needs weights that fit\n  hint: add --checkpoint FILE")
    place = device(args.device)
    try:
        published = efficientdet.config(args.model)
        state = read_checkpoint(args.checkpoint, ema=None) if args.checkpoint else {}
        known = args.num_classes or num_classes_in(state, published.num_anchors) or published.num_classes
        _names(labels, known)  # what does not fit is told before anything large is fetched or made
        if known != published.num_classes:
            changes["num_classes"] = known
        model = _loaded(args.model, args.checkpoint, state, changes)
    except GraphError as error:
        if args.graph and not is_readable(args.graph):
            raise UsageError(str(error)) from error
        raise
    except (ValueError, efficientdet.DownloadError) as error:  # no such model, or no weights that fit
        raise UsageError(str(error)) from error
    return model.to(place).eval()


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
