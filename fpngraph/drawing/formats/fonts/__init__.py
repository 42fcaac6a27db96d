"""The font of the formats that cannot leave the choice to their reader: Inter, cut down to the signs below."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from fpngraph.drawing.picture.scene import Group, Scene, Shape, Text

_FOLDER = Path(__file__).parent
FACES = {
    400: _FOLDER / "Inter-Regular.ttf",
    600: _FOLDER / "Inter-SemiBold.ttf",
    700: _FOLDER / "Inter-Bold.ttf",
}
"""The file of each weight."""

# Latin, Greek, Cyrillic; then punctuation, raised and lowered digits, arrows, mathematics, shapes.
SIGNS: tuple[tuple[int, int], ...] = (
    *((0x20, 0x7E), (0xA0, 0x148), (0x14A, 0x17F), (0x391, 0x3A1), (0x3A3, 0x3C9)),
    *((0x401, 0x401), (0x410, 0x44F), (0x451, 0x451)),
    *((0x2010, 0x2015), (0x2018, 0x201E), (0x2022, 0x2022), (0x2026, 0x2026)),
    *((0x2070, 0x2070), (0x2074, 0x2079), (0x2080, 0x2089), (0x2190, 0x2195)),
    *((0x220F, 0x220F), (0x2211, 0x2212), (0x221A, 0x221A), (0x221E, 0x221E), (0x2248, 0x2248)),
    *((0x2260, 0x2260), (0x2264, 0x2265), (0x25A0, 0x25A1), (0x25B3, 0x25B3), (0x25BD, 0x25BD)),
    *((0x25CB, 0x25CB), (0x25CF, 0x25CF)),
)
"""First and last code point of every range that all faces have."""


class MissingSign(UserWarning):
    """A text has a character that the font cannot draw."""


def face(weight: int) -> int:
    """The weight of the face that stands for a weight: the nearest, the bolder of two."""
    return min(FACES, key=lambda known: (abs(known - weight), -known))


def warn_of_missing(scene: Scene) -> None:
    """Warn of every character that will be a box in the picture."""
    letters = {letter: None for text in _texts(scene.groups) for letter in unicodedata.normalize("NFC", text.text)}
    missing = [letter for letter in letters if not any(low <= ord(letter) <= high for low, high in SIGNS)]
    if missing:
        signs = ", ".join(map(repr, missing))
        warnings.warn(f"the font has no {signs}; an SVG takes them from the reader's fonts", MissingSign, stacklevel=3)


def _texts(shapes: Sequence[Shape]) -> Iterator[Text]:
    for shape in shapes:
        if isinstance(shape, Group):
            yield from _texts(shape.shapes)
        elif isinstance(shape, Text):
            yield shape
