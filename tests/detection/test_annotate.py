"""Boxes and labels in pictures, of the smallest images too."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw

from fpngraph.detection import Detections
from fpngraph.detection.annotate import annotate, colour_of
from fpngraph.detection.coco import class_names

NAMES = class_names(90)
Row = tuple[tuple[float, float, float, float], float, int]


def found(*rows: Row) -> Detections:
    boxes, scores, labels = zip(*rows, strict=True) if rows else ((), (), ())
    return Detections(torch.tensor(boxes).reshape(-1, 4), torch.tensor(scores), torch.tensor(labels))


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[float, float, float, float]]:
    """The texts that are drawn, with the pixels that each takes."""
    written: dict[str, tuple[float, float, float, float]] = {}
    draw = ImageDraw.ImageDraw.text

    def text(self: ImageDraw.ImageDraw, at: Any, text: str, *args: Any, **kwargs: Any) -> None:
        written[text] = self.textbbox(at, text, font=args[1], anchor=kwargs["anchor"])
        draw(self, at, text, *args, **kwargs)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return written


def test_a_box_is_a_line_within_it_in_the_colour_of_its_class() -> None:
    image = Image.new("RGB", (300, 200), "white")

    drawn = annotate(image, found(((50, 60, 150, 160), 0.9, 4)), NAMES, score=0.5)

    assert drawn.getpixel((51, 110)) == colour_of(4)
    assert drawn.getpixel((148, 110)) == colour_of(4)
    assert drawn.getpixel((100, 158)) == colour_of(4)
    assert {drawn.getpixel(place) for place in [(49, 110), (150, 110), (100, 110), (100, 160)]} == {(255, 255, 255)}


def test_the_image_itself_is_not_drawn_into() -> None:
    image = Image.new("RGB", (300, 200), "white")

    annotate(image, found(((50, 60, 150, 160), 0.9, 4)), NAMES, score=0.5)

    assert image.getcolors() == [(300 * 200, (255, 255, 255))]


def test_what_is_below_the_score_or_without_area_is_not_drawn() -> None:
    image = Image.new("RGB", (300, 200), "white")
    rows = found(((50, 60, 150, 160), 0.4, 4), ((300, 20, 300, 90), 0.9, 4), ((10, 20.1, 60, 20.2), 0.9, 4))

    drawn = annotate(image, rows, NAMES, score=0.5)

    assert drawn.getcolors() == [(300 * 200, (255, 255, 255))]


CORNERS = [(x, y, x + 40, y + 30) for x in (-20, 0, 250, 280) for y in (-10, 0, 80, 165, 190)]


@pytest.mark.parametrize("box", CORNERS, ids=str)
def test_labels_are_within_the_image(box: Any, texts: dict[str, tuple[float, float, float, float]]) -> None:
    annotate(Image.new("RGB", (300, 200)), found((box, 0.987, 9)), NAMES, score=0.5)

    ((text, (left, top, right, bottom)),) = texts.items()
    assert text == "traffic light 0.99"
    assert (left >= 0, top >= 0, right <= 300, bottom <= 200) == (True,) * 4


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((200, 20), ["person 0.90"]), ((40, 40), ["0.90"]), ((20, 20), []), ((400, 9), []), ((1, 1), [])],
    ids=str,
)
def test_labels_that_do_not_fit_are_shorter_or_left_out(
    size: tuple[int, int], wanted: list[str], texts: dict[str, tuple[float, float, float, float]]
) -> None:
    drawn = annotate(Image.new("RGB", size), found(((0, 0, *size), 0.9, 0)), NAMES, score=0.5)

    assert list(texts) == wanted
    assert drawn.getpixel((0, size[1] - 1)) == colour_of(0)


def test_labels_of_boxes_that_begin_together_do_not_overlap(
    texts: dict[str, tuple[float, float, float, float]],
) -> None:
    rows = [((50, 60, 200, 160), 0.9 - label / 100, label) for label in range(5)]

    annotate(Image.new("RGB", (300, 300)), found(*rows), NAMES, score=0.5)

    taken = [(left, top, right, bottom) for left, top, right, bottom in texts.values()]
    assert len(taken) == 5
    assert [
        (one, other)
        for one in taken
        for other in taken
        if one is not other and one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ] == []


def test_a_name_that_the_font_cannot_write_is_its_number(
    texts: dict[str, tuple[float, float, float, float]],
) -> None:
    annotate(Image.new("RGB", (300, 300)), found(((50, 60, 200, 160), 0.9, 1)), ["Hund", "猫"], score=0.5)

    assert list(texts) == ["2 0.90"]


def test_colours_are_bright_enough_for_dark_images_and_dark_letters() -> None:
    def luminance(colour: tuple[int, int, int]) -> float:  # WCAG 2.2, "relative luminance"
        parts = [value / 255 for value in colour]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    contrasts = [(luminance(colour_of(label)) + 0.05) / (luminance((16, 16, 16)) + 0.05) for label in range(90)]

    assert min(contrasts) > 4.5
