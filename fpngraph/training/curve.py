"""What is written while a detector learns: checkpoints, and a line of numbers for each epoch."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.plugins.io import TorchCheckpointIO

from fpngraph.files import replace_file


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
    """``metrics.csv``: a row per epoch with everything that was logged. A training that goes on keeps earlier rows."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        if not (trainer.is_global_zero and trainer.callback_metrics):
            return  # a training that goes on ends the epoch of its checkpoint once more, without numbers
        rates = {"lr": max(group["lr"] for group in trainer.optimizers[0].param_groups)}
        row = {"epoch": trainer.current_epoch, "step": trainer.global_step} | rates
        row |= {name: float(value) for name, value in sorted(trainer.callback_metrics.items()) if name != "loss"}
        rows = [earlier for earlier in self._rows() if int(earlier["epoch"]) < trainer.current_epoch]
        rows.append({name: str(value) for name, value in row.items()})
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(name for it in rows for name in it)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.path, text.getvalue().encode())

    def _rows(self) -> list[dict[str, str]]:
        if not self.path.is_file():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
