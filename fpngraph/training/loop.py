"""A whole training: data in, checkpoints and their precision out. The loop itself is Lightning's."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, ProgressBar, WeightAveraging
from lightning.pytorch.plugins import CheckpointIO
from torch import Tensor, distributed
from torch.utils.data import DataLoader

from fpngraph.detection.detector import DetectionModel
from fpngraph.feature import Size
from fpngraph.training.curve import Bar, Best, Curve, WholeFiles, is_shown
from fpngraph.training.dataset import CocoData
from fpngraph.training.evaluation import Evaluation
from fpngraph.training.loading import Batch, Shuffled, TrainingImages, ValidationImages, collate, share
from fpngraph.training.module import DetectionModule
from fpngraph.training.pictures import Pictures, When
from fpngraph.training.saved import read_entry
from fpngraph.training.settings import SettingsError, TrainingSettings, check_same


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a training came to."""

    best: Path
    """The checkpoint of the highest AP."""
    last: Path
    evaluation: Evaluation | None
    """Of the last epoch."""


def fit(  # noqa: PLR0913  (the parts of a training)
    model: DetectionModel,
    train: CocoData,
    val: CocoData,
    folder: str | os.PathLike[str],
    settings: TrainingSettings = TrainingSettings(),  # noqa: B008  (a value that never changes)
    *,
    recipe: Mapping[str, Any] | None = None,
    resume: bool = False,
    pictures: When = "best",
    callbacks: Sequence[Callback] = (),
    **trainer: Any,
) -> Fitted:
    """Train ``model`` on ``train``, measure it on ``val`` after each epoch, keep checkpoints in ``folder``.

    ``best.ckpt`` is that of the highest AP, ``last.ckpt`` the newest, ``metrics.csv`` has a row for each epoch and
    ``curve.png`` shows it; the epochs in both count from 1. ``detections.png`` shows what is found in a few images of
    ``val``: after each epoch that is the best so far, with ``pictures`` after every so many, or never with None.
    With ``resume`` it goes on from ``last.ckpt`` where there is one; model and settings have to be the same, but for
    ``epochs`` and ``workers``. ``recipe`` goes into checkpoints, which then need nothing that was typed. ``callbacks``
    are more of Lightning's, ``trainer`` has arguments of its Trainer, such as ``devices``. Raises TypeError for what is
    no DetectionModel, DivergedError for lost numbers, SettingsError for other settings and too few images.

    >>> train, val = read_coco("train", "train.json"), read_coco("val", "val.json")
    >>> settings = TrainingSettings(epochs=1, workers=0)
    >>> fitted = fit(model, train, val, "runs/a", settings, recipe=efficientdet.recipe(model))
    >>> 0 <= fitted.evaluation.ap["AP"] <= 1, str(fitted.last)
    (True, 'runs/a/last.ckpt')
    """
    folder = Path(folder)
    lightning.seed_everything(settings.seed, workers=True, verbose=False)
    module = DetectionModule(
        model, train.categories, settings, annotations=val.annotations, left_out=val.left_out, recipe=recipe
    )
    best = Best(folder)
    own = [*_averaged(settings), best, *_written(folder, val, pictures, best), *callbacks]
    runner = lightning.Trainer(**_arguments(settings) | _with_bar(own, trainer) | _with_files(trainer))
    last = folder / "last.ckpt"
    begun = _begun(last, settings, recipe) if resume else None
    with _interruptible(), _group_ended():
        runner.fit(module, *_loaders(model, train, val, settings, runner), ckpt_path=begun, weights_only=True)
    return Fitted(folder / "best.ckpt" if best.best_model_path else last, last, module.evaluation)


def _written(folder: Path, val: CocoData, pictures: When, best: Best) -> list[Callback]:
    """What writes of each epoch, but for the best checkpoint."""
    newest = ModelCheckpoint(folder, "last", save_on_train_epoch_end=False, enable_version_counter=False)
    drawn = [] if pictures is None else [Pictures(folder, val.examples, pictures, best)]
    return [newest, Curve(folder), *drawn]


def _begun(last: Path, settings: TrainingSettings, recipe: Mapping[str, Any] | None) -> str | None:
    """The checkpoint to go on from, if there is one. Raises SettingsError for other settings or another model."""
    if not last.is_file():
        return None
    had = read_entry(last)
    settings.check_same(had.get("settings", {}))
    check_same("model", had.get("model", {}), recipe or {})
    return str(last)


def _with_bar(callbacks: Sequence[Callback], trainer: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of the Trainer with these callbacks, and with a bar unless there is one, or nobody to see it."""
    if not trainer.get("enable_progress_bar", True) or any(isinstance(it, ProgressBar) for it in callbacks):
        return {"callbacks": list(callbacks), **trainer}
    bar = [Bar()] if is_shown() else []
    return {"callbacks": [*callbacks, *bar], **trainer, "enable_progress_bar": bool(bar)}


def _with_files(trainer: Mapping[str, Any]) -> dict[str, Any]:
    """The plugins of the Trainer with one that writes whole checkpoints, unless one writes them in another way."""
    given = trainer.get("plugins") or []
    plugins = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    own = [] if any(isinstance(it, CheckpointIO) for it in plugins) else [WholeFiles()]
    return {"plugins": [*own, *plugins]}


@contextmanager
def _interruptible() -> Iterator[None]:
    """An interrupt is a KeyboardInterrupt, as elsewhere; Lightning ends the process, and ignores those to come."""
    try:
        yield
    except SystemExit as error:
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, signal.default_int_handler)
        raise error.__context__ from None


@contextmanager
def _group_ended() -> Iterator[None]:
    """A group of processes that the training began ends with it: left to the interpreter's end, gloo may abort."""
    theirs = distributed.is_available() and distributed.is_initialized()
    yield
    if not theirs and distributed.is_available() and distributed.is_initialized():
        distributed.barrier()  # nobody leaves while another still writes or measures
        distributed.destroy_process_group()


def _arguments(settings: TrainingSettings) -> dict[str, Any]:
    """Of Lightning's Trainer."""
    return {
        "max_epochs": settings.epochs,
        "precision": settings.precision,
        "accumulate_grad_batches": settings.accumulate,
        "gradient_clip_val": settings.clip,
        "use_distributed_sampler": False,  # data are shared among processes here
        "logger": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "deterministic": "warn",
    }


def _averaged(settings: TrainingSettings) -> list[Callback]:
    """A moving average of all weights, which forgets the first steps sooner; it is what is measured and kept."""
    decay = settings.ema
    if decay is None:
        return []

    def average(averaged: Tensor, current: Tensor, steps: Tensor) -> Tensor:
        now = min(decay, (1 + int(steps)) / (10 + int(steps)))
        return current.lerp(averaged, now) if averaged.is_floating_point() else current

    return [WeightAveraging(avg_fn=average)]


def _loaders(
    model: DetectionModel, train: CocoData, val: CocoData, settings: TrainingSettings, runner: lightning.Trainer
) -> tuple[DataLoader[Batch], DataLoader[Batch]]:
    rank, processes = runner.global_rank, runner.world_size
    if len(train.examples) < processes:
        raise SettingsError(f"{len(train.examples)} images to learn from cannot be shared among {processes} processes")
    size, look = Size(*model.image_size), model.normalization
    images = TrainingImages(train.examples, size, look, settings.augmentation, seed=settings.seed)
    order = Shuffled(len(images), settings.seed, rank=rank, processes=processes)
    measured = ValidationImages(share(val.examples, rank, processes), size, look)
    return _loader(images, settings, order), _loader(measured, settings, None)


def _loader(images: Any, settings: TrainingSettings, order: Shuffled | None) -> DataLoader[Batch]:
    return DataLoader(
        images,
        settings.batch_size,
        sampler=order,
        num_workers=settings.workers,
        collate_fn=collate,
        drop_last=order is not None and len(order) > settings.batch_size,
        persistent_workers=settings.workers > 0,
    )
