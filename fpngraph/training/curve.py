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
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.plugins.io import TorchCheckpointIO
from rich.console import Console

from fpngraph.files import replace_file
from fpngraph.training.plots import learning_curve


class WholeFiles(TorchCheckpointIO):
    """Checkpoints that are written whole or not at all: whoever is killed meanwhile finds the one before."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        replace_file(Path(path), buffer.getvalue())


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
    """The rows of a ``metrics.csv``, by column; none where there is no such file yet."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


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
