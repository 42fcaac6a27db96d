"""What a step is worth: learning rates over a training that may go on, and losses of steps of several batches."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from timm.layers import convert_sync_batchnorm
from torch import nn

from fpngraph.detection import Category
from fpngraph.training import DetectionModule, SettingsError, TrainingSettings
from tests.training.small import detector


@pytest.fixture(scope="module")
def made() -> Any:
    model = detector(num_classes=1)

    def module(settings: TrainingSettings, **trainer: int) -> DetectionModule:
        found = DetectionModule(model, [Category(1, "a")], settings)
        found.trainer = SimpleNamespace(**trainer)  # type: ignore[assignment]  # as much of Lightning's as is asked
        return found

    return module


def rates(schedule: Any, steps: int) -> list[float]:
    found = []
    for step in range(steps + 1):
        schedule.step_update(num_updates=step)
        found.append(schedule.optimizer.param_groups[0]["lr"])
    return found


@pytest.mark.parametrize(("epochs", "warm"), [(1, 5), (2, 10), (4, 10), (10, 10)])
def test_the_rate_grows_in_the_warm_up_and_falls_to_a_hundredth(epochs: int, warm: int, made: Any) -> None:
    module = made(TrainingSettings(epochs=epochs, lr=1.0), estimated_stepping_batches=10 * epochs)

    found = rates(module.configure_optimizers()["lr_scheduler"]["scheduler"], 10 * epochs)

    assert found[warm] == max(found) == pytest.approx(1.0)
    assert found[: warm + 1] == sorted(found[: warm + 1])
    assert found[warm:] == sorted(found[warm:], reverse=True)
    assert (found[0], found[-1]) == (pytest.approx(0.01), pytest.approx(0.01))


def test_more_epochs_than_before_change_the_rates_of_what_is_left(made: Any) -> None:
    short, long = (
        made(TrainingSettings(epochs=epochs), estimated_stepping_batches=10 * epochs).configure_optimizers()
        for epochs in (2, 4)
    )
    expected = rates(long["lr_scheduler"]["scheduler"], 40)

    long["lr_scheduler"]["scheduler"].load_state_dict(short["lr_scheduler"]["scheduler"].state_dict())

    assert rates(long["lr_scheduler"]["scheduler"], 40) == expected


def test_the_last_step_of_an_epoch_is_the_mean_of_the_batches_that_are_left(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = made(TrainingSettings(accumulate=4), accumulate_grad_batches=4, num_training_batches=6)
    module._trainer.training = True
    monkeypatch.setattr(module, "losses", lambda _batch: SimpleNamespace(total=torch.tensor(1.0), classes=0, boxes=0))
    monkeypatch.setattr(module, "log", lambda *_, **__: None)
    monkeypatch.setattr(module, "log_dict", lambda *_, **__: None)
    batch: Any = SimpleNamespace(images=[0])

    worth = [float(module.training_step(batch, place)) / 4 for place in range(6)]  # Lightning divides by 4

    assert worth == [0.25, 0.25, 0.25, 0.25, 0.5, 0.5]


@pytest.mark.parametrize(
    ("convert", "message"),
    [
        (nn.SyncBatchNorm.convert_sync_batchnorm, r"norms of the model have lost .* 'backbone.bn1' and 7 more"),
        (convert_sync_batchnorm, ""),
    ],
    ids=["torch", "timm"],
)
def test_a_model_whose_norms_have_lost_their_activations_is_not_trained(
    convert: Callable[[nn.Module], Any], message: str
) -> None:
    module = DetectionModule(convert(detector(num_classes=1)), [Category(1, "a")])

    with pytest.raises(ValueError, match=message) if message else nullcontext():
        module.on_fit_start()


def test_a_training_goes_on_with_more_epochs_and_other_workers_and_no_other_change() -> None:
    settings = TrainingSettings(lr=0.01, seed=1)
    before = settings.model_dump(mode="json")

    settings.model_copy(update={"epochs": 99, "workers": 0}).check_same(before)

    with pytest.raises(SettingsError) as caught:
        settings.model_copy(update={"lr": 0.1, "optimizer": "sgd"}).check_same(before)
    assert str(caught.value) == (
        "the training had other settings: optimizer was 'adamw', not 'sgd'; lr was 0.01, not 0.1\n"
        "  hint: only epochs and workers may be others; another training can begin with its weights"
    )
