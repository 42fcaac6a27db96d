"""A warning of the characters that the font of the package cannot draw."""

from __future__ import annotations

import unicodedata
import warnings

from fpngraph.drawing.picture.scene import Scene, texts
from fpngraph.fonts import missing


class MissingSign(UserWarning):
    """A text has a character that the font cannot draw."""


def warn_of_missing(scene: Scene) -> None:
    """Warn of every character that will be a box in the picture."""
    letters = missing("".join(unicodedata.normalize("NFC", text.text) for text in texts(scene.groups)))
    if letters:
        signs = ", ".join(map(repr, letters))
        warnings.warn(f"the font has no {signs}; an SVG takes them from the reader's fonts", MissingSign, stacklevel=3)
