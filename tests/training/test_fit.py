"""A whole training: what it leaves behind, that it is repeatable, and that it goes on where it was stopped."""

from __future__ import annotations

import doctest
import math
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from PIL import Image

from fpngraph import efficientdet
from fpngraph.training import (
    DivergedError,
    Evaluation,
    Fitted,
    SettingsError,
    TrainingSettings,
    fit,
    read_coco,
    read_saved,
)
from fpngraph.training.curve import Bar
from fpngraph.weights.state import StateError
from tests.training.small import SETTINGS, Parts, curve, detector

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Lightning warns of much
QUIET: dict[str, Any] = {"enable_progress_bar": False, "accelerator": "cpu"}


def trained(parts: Parts, folder: Path, settings: TrainingSettings = SETTINGS, **more: Any) -> Fitted:
    torch.manual_seed(0)
    model = more.pop("model", None) or detector()
    return fit(model, *parts, folder, settings, recipe=efficientdet.recipe(model), **QUIET | more)


class Stop(Callback):
    """Ends a training as a user's interrupt does, in the middle of an epoch."""

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: object) -> None:
        if trainer.current_epoch == 2 and trainer.global_step == 2 * 4 + 1:
            raise RuntimeError("stopped")


def test_it_leaves_checkpoints_that_need_nothing_else_and_a_row_per_epoch(parts: Parts, tmp_path: Path) -> None:
    fitted = trained(parts, tmp_path)

    rows = curve(tmp_path)
    assert [(int(row["epoch"]), int(row["step"])) for row in rows] == [(1, 4), (2, 8), (3, 12), (4, 16)]
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    assert {"AP", "AP50", "val_loss", "lr", "seconds"} <= rows[0].keys()
    saved = read_saved(fitted.last)
    model = efficientdet.from_recipe(saved.recipe)
    model.load_state_dict(dict(saved.state))
    assert [it.name for it in saved.categories] == [str(digit) for digit in range(10)]
    assert model.config.num_classes == 10
    assert model.neck.source_graph == detector().neck.source_graph
    assert fitted.evaluation is not None
    assert fitted.evaluation.ap["AP_large"] is None  # no digit has 96 pixels
    assert fitted.best.is_file()


def test_more_processes_than_images_are_refused_before_one_is_started(parts: Parts, tmp_path: Path) -> None:
    few = replace(parts[0], examples=parts[0].examples[:1])

    with pytest.raises(SettingsError, match="1 images to learn from cannot be shared among 2 processes"):
        trained((few, parts[1]), tmp_path, devices=2, strategy="ddp")


class Told(Callback):
    """Keeps what the bar says while a training goes on."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: object) -> None:
        bar: Any = trainer.progress_bar_callback
        self.texts += [task.description for task in bar.progress.tasks]


def test_the_bar_counts_epochs_from_1(parts: Parts, tmp_path: Path) -> None:
    told = Told()

    trained(
        parts,
        tmp_path,
        SETTINGS.model_copy(update={"epochs": 2}),
        callbacks=[Bar(), told],
        enable_progress_bar=True,
    )

    assert {text for text in told.texts if text.startswith("epoch")} == {"epoch 1/2", "epoch 2/2"}
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.width > picture.height > 0


def test_the_same_seed_gives_the_same_weights_and_another_one_others(parts: Parts, tmp_path: Path) -> None:
    short = SETTINGS.model_copy(update={"epochs": 1})
    states = [
        read_saved(trained(parts, tmp_path / str(place), short.model_copy(update={"seed": seed})).last).state
        for place, seed in enumerate((0, 0, 1))
    ]

    name = "class_head.predict.depthwise.weight"
    name = name if name in states[0] else next(iter(states[0]))
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not torch.equal(states[0][name], states[2][name])


def test_a_training_that_goes_on_has_the_curve_of_one_in_a_piece(parts: Parts, tmp_path: Path) -> None:
    whole = trained(parts, tmp_path / "whole")
    with pytest.raises(RuntimeError, match="stopped"):
        trained(parts, tmp_path / "parts", callbacks=[Stop()])
    assert len(curve(tmp_path / "parts")) == 2

    with pytest.raises(SettingsError, match=r"the training had other settings: lr was 0\.002, not 0\.1"):
        trained(parts, tmp_path / "parts", SETTINGS.model_copy(update={"lr": 0.1}), resume=True)

    with pytest.raises(SettingsError, match=r"had another model: config\.head_repeats was 1, not 2"):
        trained(parts, tmp_path / "parts", resume=True, model=detector(head_repeats=2))

    resumed = trained(parts, tmp_path / "parts", resume=True)

    for row, expected in zip(curve(tmp_path / "parts"), curve(tmp_path / "whole"), strict=True):
        for name, value in ((name, value) for name, value in expected.items() if name != "seconds"):
            assert math.isclose(float(row[name]), float(value), rel_tol=1e-6), name
    first, second = (read_saved(it.last).state for it in (whole, resumed))
    assert all(torch.allclose(first[name], second[name], rtol=1e-5, atol=1e-7) for name in first)


def test_what_was_the_best_stays_it_where_a_training_goes_on_in_a_folder_that_was_moved(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aps = iter([0.1, 0.5, 0.3])
    monkeypatch.setattr("fpngraph.training.module.evaluate", lambda *_, **__: Evaluation({"AP": next(aps)}, {}, {}))
    short = SETTINGS.model_copy(update={"epochs": 2, "batch_size": 24})
    trained(parts, tmp_path / "a", short)
    moved = (tmp_path / "a").rename(tmp_path / "b")

    trained(parts, moved, short.model_copy(update={"epochs": 3}), resume=True)

    epochs = [torch.load(moved / f"{name}.ckpt", weights_only=True)["epoch"] for name in ("best", "last")]
    assert epochs == [1, 2]


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
import fpngraph.files
from tests.training.test_fit import trained
from fpngraph.training import read_coco
from lightning.pytorch.plugins.environments import LightningEnvironment

count = 0
original = Path.open

def opened(path, *arguments, **named):
    global count
    file = original(path, *arguments, **named)
    if path.name.endswith(".part") and "last.ckpt" in path.name:
        count += 1
        if count == 2:
            write = file.write
            file.write = lambda content: (write(content[: len(content) // 2]), os.kill(os.getpid(), signal.SIGKILL))
    return file

Path.open = opened
folder = Path({folder!r})
parts = [read_coco(folder / name, folder / (name + ".json")) for name in ("train", "val")]
# with a plugin of a user's own, which is no reason to write in another way
trained(tuple(parts), Path({output!r}), plugins=LightningEnvironment())
"""


def test_a_training_that_is_killed_while_it_writes_goes_on_from_the_last_whole_checkpoint(
    parts: Parts, tmp_path: Path
) -> None:
    folder, root = parts[0].annotations.parent, Path(__file__).parents[2]
    code = KILLED.format(root=str(root), folder=str(folder), output=str(tmp_path))

    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == -signal.SIGKILL, done.stderr
    assert list(tmp_path.glob(".*.part")), "nothing was being written"
    assert read_saved(tmp_path / "last.ckpt").state
    trained(parts, tmp_path, resume=True)
    assert [int(row["epoch"]) for row in curve(tmp_path)] == [1, 2, 3, 4]


def test_frozen_norms_of_a_backbone_keep_their_statistics(parts: Parts, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 1, "freeze_norms": True, "ema": None})

    state = read_saved(trained(parts, tmp_path, settings).last).state

    means = {name: x for name, x in state.items() if name.endswith("running_mean")}
    assert all((x == 0).all() for name, x in means.items() if name.startswith("backbone."))
    assert any((x != 0).any() for name, x in means.items() if name.startswith("class_head."))


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "a.ckpt")

    with pytest.raises(StateError, match=r"a.ckpt' is no checkpoint of a training of fpngraph"):
        read_saved(tmp_path / "a.ckpt")
    assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]


def test_the_example_of_its_docstring_runs(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(parts[0].annotations.parent)
    names = {"read_coco": read_coco, "TrainingSettings": TrainingSettings, "efficientdet": efficientdet, "fit": fit}
    (example,) = doctest.DocTestFinder().find(fit, "fit", globs=names | {"model": detector()})

    assert doctest.DocTestRunner().run(example) == doctest.TestResults(failed=0, attempted=4)


class Interrupt(Callback):
    """Ctrl-C in the second epoch."""

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: object) -> None:
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt


def test_an_interrupt_leaves_python_as_it_was(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(parts, tmp_path, callbacks=[Interrupt()])

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert len(curve(tmp_path)) == 1


def test_a_training_whose_numbers_are_lost_stops_and_says_so(parts: Parts, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 1, "optimizer": "sgd", "lr": 1e30, "clip": None})

    with pytest.raises(DivergedError, match="what the model gives is no number any more, in epoch 1 after 1 steps"):
        trained(parts, tmp_path, settings)

    assert not list(tmp_path.glob("*.ckpt"))
