"""What is written and shown while a detector learns: checkpoints, numbers and a picture of each epoch, a bar."""

from __future__ import annotations

import csv
import io
import os
import time
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, RichProgressBar
from lightning.pytorch.plugins.io import TorchCheckpointIO
from rich.console import Console

from fpngraph.errors import Refusal
from fpngraph.files import replace_file
from fpngraph.training.plots import learning_curve


class CurveError(Refusal, ValueError):
    """A ``metrics.csv`` is not as a training writes it."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{os.fspath(path)!r}: {problem}\n  hint: put it back as it was; only trainings write it")


class WholeFiles(TorchCheckpointIO):
    """Checkpoints that are written whole or not at all: whoever is killed meanwhile finds the one before."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        replace_file(Path(path), buffer.getvalue())


class Best(ModelCheckpoint):
    """``best.ckpt``, of the highest AP. It is written before ``last.ckpt``, which then knows of it.

    A training that goes on in a folder that was moved knows it too: Lightning forgets what was the best elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(
            folder, "best", monitor="AP", mode="max", save_on_train_epoch_end=False, enable_version_counter=False
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        place, score = f"{self.dirpath}/best.ckpt", state_dict["best_model_score"]
        if score is not None and Path(place).is_file():
            paths = dict.fromkeys(("best_model_path", "kth_best_model_path"), place)
            super().load_state_dict(state_dict | paths | {"dirpath": self.dirpath, "best_k_models": {place: score}})


class Curve(Callback):
    """``metrics.csv``, a row per epoch with everything that was logged, and ``curve.png``, its losses and precision.

    Epochs count from 1. A training that goes on keeps earlier rows.
    """

    def __init__(self, folder: Path) -> None:
        self.table, self.picture = folder / "metrics.csv", folder / "curve.png"
        self._started = 0.0

    def on_train_epoch_start(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        self._started = time.monotonic()

    def on_train_epoch_end(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        if not (trainer.is_global_zero and trainer.callback_metrics):
            return  # a training that goes on ends the epoch of its checkpoint once more, without numbers
        epoch, seconds = trainer.current_epoch + 1, round(time.monotonic() - self._started, 3)
        rate = max(group["lr"] for group in trainer.optimizers[0].param_groups)
        row = {"epoch": epoch, "step": trainer.global_step, "seconds": seconds, "lr": rate}
        row |= {name: float(value) for name, value in sorted(trainer.callback_metrics.items()) if name != "loss"}
        rows = [earlier for earlier in read_curve(self.table) if int(earlier["epoch"]) < epoch]
        rows.append({name: str(value) for name, value in row.items()})
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(name for it in rows for name in it)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.table.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.table, text.getvalue().encode())
        replace_file(self.picture, learning_curve(rows))


def read_curve(path: Path) -> list[dict[str, str]]:
    """The rows of a ``metrics.csv``, by column; none where there is no such file yet.

    Every value is a number, or ''. Raises CurveError for a file that somebody has changed into something else.
    """
    if not path.is_file():
        return []
    try:
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CurveError(path, "is no text of comma-separated values") from error
    names = lines[0] if lines else []
    if lacking := [name for name in ("epoch", "seconds") if name not in names]:
        raise CurveError(path, f"line 1: there is no column {lacking[0]!r}")
    rows = [(number, values) for number, values in enumerate(lines[1:], start=2) if values]
    for number, values in rows:
        if len(values) != len(names):
            raise CurveError(path, f"line {number}: there are {len(values)} values, but {len(names)} columns")
        for name, value in zip(names, values, strict=True):
            if not _fits(name, value):
                kind = "a whole number" if name == "epoch" else "a number"
                raise CurveError(path, f"line {number}: {name} is {value!r}, but must be {kind}")
    return [dict(zip(names, values, strict=True)) for _, values in rows]


def _fits(name: str, value: str) -> bool:
    """Whether a value is what its column has; of what not every epoch has, nothing is a value too."""
    if name == "epoch":
        return value.isascii() and value.isdigit()
    if not value:
        return name != "seconds"
    try:
        float(value)
    except ValueError:
        return False
    return True


class Bar(RichProgressBar):
    """A bar on standard error, which counts epochs from 1."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=10, console_kwargs={"stderr": True})

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        super().on_train_epoch_start(trainer, pl_module)
        if self.progress is not None and self.train_progress_bar_id is not None:
            text = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
            self.progress.update(self.train_progress_bar_id, description=text)


def is_shown() -> bool:
    """Whether there is somebody to see a bar: a terminal or a notebook, no file."""
    console = Console(stderr=True)
    return console.is_terminal or console.is_jupyter
