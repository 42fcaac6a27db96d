"""A picture of a training shows all of it."""

from __future__ import annotations

import io
from collections.abc import Iterable

from PIL import Image

from fpngraph.training.plots import learning_curve

BLUE = (0x44, 0x77, 0xAA)


def blue(epochs: Iterable[int]) -> int:
    """Pixels of the line of ``train_loss`` and of its legend."""
    rows = [{"epoch": str(epoch), "train_loss": str(1 / epoch)} for epoch in epochs]
    with Image.open(io.BytesIO(learning_curve(rows))) as picture:
        colours = picture.convert("RGB").getcolors(picture.width * picture.height) or []
        return sum(count for count, colour in colours if colour == BLUE)


def test_epochs_are_seen_where_those_before_them_are_lost() -> None:
    assert blue(range(7, 10)) > blue(range(1, 4)) / 2
