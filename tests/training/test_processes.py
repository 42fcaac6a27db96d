"""Two processes learn what one does with the same images in a step."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fpngraph.training import read_saved
from tests.training.small import Parts, curve

pytestmark = pytest.mark.slow

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {root!r})
import torch
from fpngraph import efficientdet
from fpngraph.training import TrainingSettings, fit, read_coco
from tests.training.small import SETTINGS, detector

if __name__ == "__main__":
    folder, output, processes = Path({folder!r}), Path(sys.argv[1]), int(sys.argv[2])
    train, val = (read_coco(folder / name, folder / (name + ".json")) for name in ("train", "val"))
    parts = train, replace(val, examples=val.examples[:5])  # two processes have unequal shares of an odd number
    torch.manual_seed(0)
    norm = {{"group_norm": {{"groups": 4}}}}  # statistics of a batch are those of each process
    model = detector(norm=norm)
    changes = {{"epochs": 2, "batch_size": 8 // processes, "freeze_norms": True, "optimizer": "sgd", "lr": 1e-3}}
    settings = SETTINGS.model_copy(update=changes)
    more = {{"strategy": "ddp"}} if processes > 1 else {{}}
    fit(model, *parts, output, settings, accelerator="cpu", devices=processes, enable_progress_bar=False,
        recipe=efficientdet.recipe(model), **more)
    assert not torch.distributed.is_initialized()  # else gloo's threads may abort the process when it ends
"""


def test_two_processes_learn_what_one_does_and_measure_the_same(parts: Parts, tmp_path: Path) -> None:
    script = tmp_path / "learn.py"
    root = Path(__file__).parents[2]
    script.write_text(SCRIPT.format(root=str(root), folder=str(parts[0].annotations.parent)), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}

    for processes in (1, 2):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(script), str(tmp_path / str(processes)), str(processes)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr

    one, two = (curve(tmp_path / name) for name in "12")
    assert [row["step"] for row in one] == [row["step"] for row in two] == ["3", "6"]
    for row, expected in zip(two, one, strict=True):
        for name in ("train_loss", "train_boxes", "train_classes", "AP"):
            assert float(row[name]) == pytest.approx(float(expected[name]), rel=1e-4), name
    first, second = (read_saved(tmp_path / name / "last.ckpt").state for name in "12")
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=1e-3, atol=1e-6)
