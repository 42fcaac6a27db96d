"""A picture of what is found in a few images, while a detector learns."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from fpngraph.detection import Category
from fpngraph.training import Example
from fpngraph.training.pictures import Pictures, chosen, sheet

CATEGORIES = [Category(7, "cat"), Category(3, "dog")]


@pytest.fixture
def example(tmp_path: Path) -> Example:
    """An image of 40x20 with one object."""
    Image.new("RGB", (40, 20), "white").save(tmp_path / "1.png")
    return Example(1, tmp_path / "1.png", 40, 20, ((4.0, 4.0, 16.0, 16.0),), (1,))


def row(score: float, left: int = 20, image: int = 1) -> dict[str, Any]:
    return {"image_id": image, "category_id": 3, "bbox": [left, 4, 12, 12], "score": score}


@pytest.mark.parametrize(
    ("scores", "found"),
    [([], 0), ([0.01], 1), ([0.02, 0.01], 1), ([0.9, 0.3], 2), ([0.9, 0.29], 1)],
    ids=["nothing", "as many as are marked", "the best", "good ones", "one good one"],
)
def test_boxes_are_drawn_above_as_marked_and_below_as_found(
    scores: list[float], found: int, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr("fpngraph.training.pictures.draw_on", lambda image, boxes, *_, **__: drawn.append(boxes))
    rows = [row(score, left=20 - place) for place, score in enumerate(scores)]

    content = sheet([example], [*rows, row(0.9, image=2)], CATEGORIES, "found in epoch 1")

    with Image.open(io.BytesIO(content)) as page:
        assert page.height == 10 + 2 * (26 + 200 + 10)
    (boxes,) = drawn
    assert boxes.scores.tolist() == pytest.approx(scores[:found])
    assert boxes.labels.tolist() == [1] * found
    expected = torch.tensor([[20.0 - place, 4, 32 - place, 16] for place in range(found)]).reshape(-1, 4)
    torch.testing.assert_close(boxes.boxes, 10 * expected, rtol=0, atol=1e-4)


def test_images_are_from_all_over_a_data_set_and_have_objects() -> None:
    examples = [Example(n, Path(), 1, 1, ((0.0, 0.0, 1.0, 1.0),) * (n % 2), (0,) * (n % 2)) for n in range(20)]

    assert [it.id for it in chosen(examples)] == [1, 5, 11, 15]
    assert [it.id for it in chosen(examples[:2])] == [1]
    assert [it.id for it in chosen(examples[:1])] == [0]
    assert chosen([]) == []


@pytest.mark.parametrize(
    ("when", "drawn"), [("best", [1, 3]), (2, [2, 4]), (1, [1, 2, 3, 4])], ids=["best", "every second", "every"]
)
def test_it_is_drawn_when_it_is_asked_for(
    when: Any, drawn: list[int], example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fpngraph.training.pictures.sheet", lambda *given: str(given[-1]).encode())
    module: Any = SimpleNamespace(found=[], categories=CATEGORIES)
    best: Any = SimpleNamespace(best_model_score=None)
    pictures, found = Pictures(tmp_path, [example], when, best), []

    for epoch, ap in enumerate([0.1, 0.1, 0.2, float("nan")]):
        trainer: Any = SimpleNamespace(is_global_zero=True, current_epoch=epoch, callback_metrics={"AP": ap})
        pictures.on_validation_end(trainer, module)
        best.best_model_score = max(best.best_model_score or 0.0, ap)  # as Lightning does, after all else
        if pictures.file.exists() and pictures.file.read_text() == f"found in epoch {epoch + 1}":
            found.append(epoch + 1)

    assert found == drawn


def test_a_picture_that_cannot_be_drawn_is_told_once_and_stops_nothing(
    example: Example, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    example.path.unlink()
    pictures = Pictures(tmp_path, [example], 1, None)
    trainer: Any = SimpleNamespace(is_global_zero=True, current_epoch=0, callback_metrics={"AP": 0.1})
    module: Any = SimpleNamespace(found=[], categories=CATEGORIES)

    with caplog.at_level(logging.WARNING):
        pictures.on_validation_end(trainer, module)
        pictures.on_validation_end(trainer, module)

    assert [it.getMessage().partition(" is left out: ")[0] for it in caplog.records] == [f"warning: {pictures.file}"]
    assert not pictures.file.exists()


@pytest.mark.parametrize("when", [0, -1, "always"])
def test_what_is_no_number_of_epochs_is_refused(when: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pictures is .*, but must be a number of epochs, 'best' or None"):
        Pictures(tmp_path, [], when, None)
