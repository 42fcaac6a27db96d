"""The commands that train a detector and measure one."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import ValidationError

from fpngraph import efficientdet
from fpngraph.cli.extras import extra
from fpngraph.cli.output import is_quiet
from fpngraph.cli.starting import Start
from fpngraph.cli.values import UsageError, check_pixels, enough_memory
from fpngraph.table import Column, print_table
from fpngraph.training import CocoData, DataError, TrainingSettings, read_coco

if TYPE_CHECKING:
    from fpngraph.training import Evaluation, Fitted
    from fpngraph.training.pictures import When

Pair = tuple[Path, Path]
_WRITTEN = ("last.ckpt", "best.ckpt", "metrics.csv", "curve.png", "detections.png")


def pairs(train: Sequence[str] | None, val: Sequence[str] | None, data: str | None) -> tuple[Pair, Pair]:
    """Folder of images and file of annotations to learn from, and to measure with."""
    if data is None:
        if not (train and val):
            raise UsageError("--train IMAGES ANNOTATIONS and --val IMAGES ANNOTATIONS are required, or --data FOLDER")
        return (Path(train[0]), Path(train[1])), (Path(val[0]), Path(val[1]))
    if train or val:
        raise UsageError("--data stands for --train and --val: say it, or these")
    return _layout(Path(data), "train"), _layout(Path(data), "val")


def _layout(folder: Path, part: str) -> Pair:
    """A part of a folder in COCO's own layout."""
    files = sorted((folder / "annotations").glob(f"instances_{part}*.json"))
    if len(files) != 1:
        found = ", ".join(file.name for file in files) or "none"
        raise UsageError(
            f"{str(folder / 'annotations')!r} must have one file instances_{part}*.json, but has {found}\n"
            f"  hint: --train IMAGES ANNOTATIONS and --val IMAGES ANNOTATIONS name any"
        )
    return folder / files[0].stem.removeprefix("instances_"), files[0]


def train(  # noqa: PLR0913  (the options of a run)
    data: tuple[Pair, Pair],
    start: Start,
    folder: Path,
    asked: Mapping[str, Any],
    *,
    skip_bad: bool,
    resume: bool,
    force: bool,
    devices: int | None,
    pictures: When,
) -> int:
    """Train a detector and keep it in ``folder``."""
    check_installed()
    check_pixels(start.image_size)
    check_devices(devices)
    settings = chosen_settings(asked)
    check_is_folder(folder)
    check_folder(folder, resume=resume, force=force)
    start.check()  # before images are looked at, which may take long
    parts = read(data, skip_bad=skip_bad)
    fitted = run(start, parts, folder, settings, resume=resume, devices=devices or "auto", pictures=pictures)
    if fitted.evaluation is not None:
        show(fitted.evaluation)
    print(f"wrote {', '.join(str(file) for file in _files(folder) if file.exists())}")
    return 0


def run(  # noqa: PLR0913  (the options of a run)
    start: Start,
    parts: tuple[CocoData, CocoData],
    folder: Path,
    settings: TrainingSettings,
    *,
    resume: bool,
    devices: int | str,
    pictures: When,
) -> Fitted:
    """One training, from the first weights to the last checkpoint. Raises Refusal and GraphError."""
    from fpngraph.training import fit

    torch.manual_seed(settings.seed)  # of the weights that it starts with
    model = start.build(len(parts[0].categories))
    matched = start.load(model)
    if matched is not None:
        print(f"weights of {start.weights}: {matched}")
    if not resume:
        clear(folder)  # nothing can be asked wrongly any more
    chosen: dict[str, Any] = {
        "recipe": efficientdet.recipe(model),
        "resume": resume,
        "devices": devices,
        "pictures": pictures,
    }
    if is_quiet():
        chosen["enable_progress_bar"] = False
    with enough_memory("--batch-size and --image-size can be smaller"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Lightning's, about what is chosen here
        try:
            return fit(model, *parts, folder, settings, **chosen)
        except KeyboardInterrupt:
            if (folder / "last.ckpt").is_file():
                print(f"stopped; --resume goes on from {folder / 'last.ckpt'}", file=sys.stderr)
            raise


def check_devices(devices: int | None) -> None:
    """Raise UsageError where there are fewer."""
    most = torch.cuda.device_count() or os.cpu_count() or 1
    if devices and devices > most:
        raise UsageError(f"--devices {devices}: there are {most}")


def check_folder(folder: Path, *, resume: bool, force: bool) -> None:
    """Raise UsageError where the run would write over a training and nobody has asked for that."""
    there = next((file for file in _files(folder) if file.exists()), None)
    if there is not None and not (resume or force):
        raise UsageError(f"{str(there)!r} exists already\n  hint: --resume goes on from it, --force writes over it")
    if resume:
        epochs_of(folder)


def epochs_of(folder: Path) -> list[dict[str, str]]:
    """What a training has written of each epoch. Raises CurveError where somebody has made something else of it."""
    from fpngraph.training.curve import read_curve

    return read_curve(folder / "metrics.csv")


def check_is_folder(folder: Path) -> None:
    """Raise UsageError where something else than a folder is in the place of it, or of one around it."""
    there = next(place for place in (folder, *folder.parents, Path()) if place.exists())
    if not there.is_dir():
        raise UsageError(f"{str(there)!r} is no folder")


def clear(folder: Path) -> None:
    """Take away what an earlier training has written."""
    for file in _files(folder):
        if file.exists():  # unlink would stop at a file in the place of the folder, which is told later
            file.unlink()


def _files(folder: Path) -> list[Path]:
    return [folder / name for name in _WRITTEN]


def check_installed() -> None:
    """Raise UsageError without the libraries that train, and have them tell of trouble alone."""
    with extra("train"):
        import_module("fpngraph.training.loop")
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("lightning"):
            logging.getLogger(name).setLevel(logging.WARNING)


def chosen_settings(asked: Mapping[str, Any]) -> TrainingSettings:
    """The settings that were typed, over the defaults. Raises UsageError with all that are wrong."""
    try:
        return TrainingSettings(**asked)
    except ValidationError as error:
        problems = [(str(it["loc"][0]), str(it["msg"]).removeprefix("Value error, ")) for it in error.errors()]
        told = "; ".join(f"--{field.replace('_', '-')}: {problem}" for field, problem in problems)
        raise UsageError(told) from error


def read(data: tuple[Pair, Pair], *, skip_bad: bool) -> tuple[CocoData, CocoData]:
    """Both parts of the data, and how many images they have. Raises UsageError with all that is wrong with either."""
    (images, annotations), (val_images, val_annotations) = data
    try:
        learned = read_coco(images, annotations, skip_bad=skip_bad)
        measured = read_coco(val_images, val_annotations, categories=learned.categories, skip_bad=skip_bad)
    except DataError as error:
        raise UsageError(f"the data cannot be trained on:\n{error}") from error
    for part in (learned, measured):
        if part.skipped:
            print(f"{part.annotations}: {len(part.skipped)} left out, of which the first is\n  {part.skipped[0]}")
    print(f"{len(learned.examples)} images to learn from, {len(measured.examples)} to measure with")
    return learned, measured


def show(evaluation: Evaluation) -> None:
    """A table of average precision, of all and by class."""
    rows = [[name, _percent(value)] for name, value in evaluation.ap.items()]
    rows += [[name, _percent(value)] for name, value in evaluation.per_class.items()]
    print_table([Column("of"), Column("AP", right=True)], rows)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
