"""A picture of what is found in a few images while a detector learns, below what is marked in them."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from PIL import Image, ImageDraw, ImageFont

from fpngraph.detection.annotate import draw_objects, draw_on
from fpngraph.detection.boxes import Detections
from fpngraph.detection.coco import Category
from fpngraph.detection.images import ImageError, open_image, to_rgb
from fpngraph.files import replace_file
from fpngraph.fonts import FACES
from fpngraph.training.dataset import Example
from fpngraph.training.module import DetectionModule

When = int | Literal["best"] | None
"""After every so many epochs, after those that are better than all before, or never."""
_MOST = 4  # images
_SIDE_PX, _MARGIN_PX, _LETTERS_PX = 400, 10, 16  # the larger side of an image, whatever it has in its file
_SCORE = 0.3  # as 'detect' draws
_WHITE, _DARK = (255, 255, 255), (16, 16, 16)
_LOG = logging.getLogger(__name__)


class Pictures(Callback):
    """``detections.png``: what the last validation found in a few images, the same ones each time.

    It is written after every ``when`` epochs, or after those whose AP is higher than that of ``best``. Where it cannot
    be drawn, that is logged once, and the training goes on.
    """

    def __init__(self, folder: Path, examples: Sequence[Example], when: int | Literal["best"], best: Any) -> None:
        if when != "best" and (not isinstance(when, int) or when < 1):
            raise ValueError(f"pictures is {when!r}, but must be a number of epochs, 'best' or None")
        self.file, self.shown, self.when = folder / "detections.png", chosen(examples), when
        self._best: ModelCheckpoint = best
        self._told = False

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        known = trainer.is_global_zero and trainer.callback_metrics and self.shown
        if not known or not self._is_due(trainer):
            return
        module = cast("DetectionModule", pl_module)
        try:
            content = sheet(self.shown, module.found, module.categories, f"found in epoch {trainer.current_epoch + 1}")
        except (ImageError, ImportError, OSError) as error:  # a file that is gone, or Pillow without letters
            if not self._told:
                _LOG.warning("warning: %s is left out: %s", self.file, error)
            self._told = True
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.file, content)

    def _is_due(self, trainer: lightning.Trainer) -> bool:
        if self.when != "best":
            return (trainer.current_epoch + 1) % self.when == 0
        before = self._best.best_model_score  # Lightning has checkpoints written after all else
        return before is None or float(trainer.callback_metrics.get("AP", math.nan)) > float(before)


def chosen(examples: Sequence[Example]) -> list[Example]:
    """A few images from all over a data set, those with objects if there are any."""
    known = [it for it in examples if it.boxes] or list(examples)
    count = min(_MOST, len(known))
    return [known[place * len(known) // count] for place in range(count)]


def sheet(
    shown: Sequence[Example], rows: Sequence[Mapping[str, Any]], categories: Sequence[Category], said: str
) -> bytes:
    """A picture, as PNG: images with their objects, and below the same images with what was found in them.

    ``rows`` are detections in COCO's format of results, ``said`` is written above those that are drawn.
    """
    names = [it.name for it in categories]
    labels = {it.id: label for label, it in enumerate(categories)}
    above, below = [], []
    for example in shown:
        image = to_rgb(open_image(example.path))
        scale = _SIDE_PX / max(image.size)
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
        of_image = [row for row in rows if row["image_id"] == example.id]
        marked, found = image, image.copy()
        draw_objects(marked, torch.tensor(example.boxes).reshape(-1, 4) * scale, torch.tensor(example.labels), names)
        draw_on(found, _detections(of_image, labels, scale, least=len(example.boxes)), names, score=0.0)
        above.append(marked)
        below.append(found)
    said += f": scores from {_SCORE} on, and at least as many boxes as are marked"
    return _page([("as marked", above), (said, below)])


def _detections(
    rows: Sequence[Mapping[str, Any]], labels: Mapping[int, int], scale: float, *, least: int
) -> Detections:
    """What is drawn of the rows of an image, best first, in pixels of the drawn one."""
    best = sorted(rows, key=lambda row: -float(row["score"]))
    best = best[: max(least, sum(float(row["score"]) >= _SCORE for row in best))]
    boxes = torch.tensor([row["bbox"] for row in best], dtype=torch.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    scores = torch.tensor([float(row["score"]) for row in best])
    return Detections(boxes * scale, scores, torch.tensor([labels[row["category_id"]] for row in best]).long())


def _page(rows: Sequence[tuple[str, Sequence[Image.Image]]]) -> bytes:
    """Rows of images on white, each with a line above."""
    font = ImageFont.truetype(FACES[600], _LETTERS_PX)
    line = _LETTERS_PX + _MARGIN_PX
    heights = [line + max(image.height for image in images) + _MARGIN_PX for _, images in rows]
    widths = [sum(image.width + _MARGIN_PX for image in images) for _, images in rows]
    letters = [math.ceil(font.getlength(text)) + _MARGIN_PX for text, _ in rows]
    page = Image.new("RGB", (max(*widths, *letters) + _MARGIN_PX, sum(heights) + _MARGIN_PX), _WHITE)
    pen, top = ImageDraw.Draw(page), _MARGIN_PX
    for (text, images), height in zip(rows, heights, strict=True):
        pen.text((_MARGIN_PX, top), text, _DARK, font)
        left = _MARGIN_PX
        for image in images:
            page.paste(image, (left, top + line))
            left += image.width + _MARGIN_PX
        top += height
    file = io.BytesIO()
    page.save(file, "PNG")
    return file.getvalue()
