"""Detections drawn into their image: a box each, with its name and score."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator, Sequence
from itertools import product

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from fpngraph.detection.boxes import Detections
from fpngraph.detection.coco import FIRST
from fpngraph.fonts import FACES, missing

_DARK = (16, 16, 16)
_BRIGHT = 0.25  # relative luminance, which makes a contrast of 5 with the dark (WCAG 2 asks for 4.5)
_SMALL_PX = 96  # images up to here have no room for rims
_TURN = 0.381966  # of the hues' circle from a class to the next: near classes differ, and none repeats for long

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, the last two included."""
Rgb = tuple[int, int, int]


def annotate(image: Image.Image, found: Detections, names: Sequence[str], *, score: float) -> Image.Image:
    """The image with those detections that have at least ``score``; boxes without area are left out.

    Lines and letters grow with the image. Labels lie within it, none over another; where a name finds no place
    the score may, and a box that is crowded out has neither.
    """
    drawn = image.convert("RGB")
    draw_on(drawn, found, names, score=score)
    return drawn


def draw_on(drawn: Image.Image, found: Detections, names: Sequence[str], *, score: float) -> None:
    """As ``annotate``, into an image in red, green and blue."""
    rows = [row for row in _rows(found, drawn.size) if row[1] >= score]
    _draw(
        drawn,
        [(box, label, (f"{_written(names[label], label)} {value:.2f}", f"{value:.2f}")) for box, value, label in rows],
    )


def draw_objects(drawn: Image.Image, boxes: Tensor, labels: Tensor, names: Sequence[str]) -> None:
    """What somebody has marked in an image in red, green and blue: as detections are drawn, without scores.

    Shape: ``boxes`` [N, 4], left, top, right, bottom in its pixels; ``labels`` [N].
    """
    rows = _rows(Detections(boxes, torch.ones(len(boxes)), labels), drawn.size)
    _draw(drawn, [(box, label, (_written(names[label], label),)) for box, _, label in rows])


def _draw(drawn: Image.Image, rows: Sequence[tuple[Box, int, Sequence[str]]]) -> None:
    """Boxes with their label, the first of some texts that has room; where boxes meet, the first one is on top."""
    pen = ImageDraw.Draw(drawn)
    line = max(1, round(min(drawn.size) / 256))
    font = ImageFont.truetype(FACES[600], max(10, round(min(drawn.size) / 32)))
    for box, label, _ in reversed(rows):
        _draw_box(pen, box, colour_of(label), line, rim=max(1, line // 3) if min(drawn.size) > _SMALL_PX else 0)
    taken: list[Box] = []
    for box, label, texts in rows:
        for text in texts:
            place = _place(box, _size(font, text, line), drawn.size, taken)
            if place:
                taken.append(place)
                pen.rectangle(place, colour_of(label))
                middle = ((place[0] + place[2] + 1) / 2, (place[1] + place[3] + 1) / 2)
                pen.text(middle, text, _DARK, font, anchor="mm")
                break


def _written(name: str, label: int) -> str:
    """The name, or the number of the category where the font lacks one of its letters."""
    return f"{FIRST + label}" if missing(name) else name


def colour_of(label: int) -> Rgb:
    """A colour of a class's own, bright enough to be seen on black and to be written on in black."""
    hue, lightness = (0.58 + label * _TURN) % 1, 0.5
    while True:
        red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.9)
        if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > _BRIGHT:
            return round(255 * red), round(255 * green), round(255 * blue)
        lightness += 0.02


def _rows(found: Detections, size: tuple[int, int]) -> Iterator[tuple[Box, float, int]]:
    """Boxes on whole pixels within the image, with scores and labels, best first."""
    for edges, score, label in zip(found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True):
        left, top, right, bottom = (
            min(max(0, round(edge)), limit) for edge, limit in zip(edges, (*size, *size), strict=True)
        )
        if right > left and bottom > top:
            yield (left, top, right - 1, bottom - 1), score, label


def _draw_box(pen: ImageDraw.ImageDraw, box: Box, colour: Rgb, line: int, rim: int) -> None:
    """The line inside of the box, with a dark rim on both sides that parts it from a light image."""
    left, top, right, bottom = box
    if rim and min(right - left, bottom - top) > 4 * (line + rim):
        pen.rectangle(box, outline=_DARK, width=line + 2 * rim)
        pen.rectangle((left + rim, top + rim, right - rim, bottom - rim), outline=colour, width=line)
    else:
        pen.rectangle(box, outline=colour, width=line)


def _size(font: ImageFont.FreeTypeFont, text: str, line: int) -> tuple[int, int]:
    """Width and height of a label."""
    margin = max(2, 2 * line)
    ascent, descent = font.getmetrics()
    return round(font.getlength(text)) + 2 * margin, ascent + descent + margin // 2


def _place(box: Box, label: tuple[int, int], image: tuple[int, int], taken: Sequence[Box]) -> Box | None:
    """Where a label goes: above its box, below or inside, or on its edge; the first place that is free, if any is."""
    (width, height), (left, top, right, bottom) = label, box
    pushed = min(max(left, 0), image[0] - width), min(max(top, 0), image[1] - height)
    tops, lefts = (top - height, top, bottom + 1, bottom + 1 - height), (left, right + 1 - width)
    for x, y in [*((x, y) for y, x in product(tops, lefts)), pushed]:
        place = (x, y, x + width - 1, y + height - 1)
        if _holds(image, place) and not any(_meet(place, other) for other in taken):
            return place
    return None


def _holds(image: tuple[int, int], place: Box) -> bool:
    left, top, right, bottom = place
    return left >= 0 and top >= 0 and right < image[0] and bottom < image[1]


def _meet(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
