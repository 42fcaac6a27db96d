"""The colours of a diagram by what they stand for: on light and on dark ground, in greys, and for print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Theme = Literal["auto", "light", "dark", "grey", "print"]
"""Colours by the reader's preference or fixed; greys alone; for print, where a PDF has CMYK and its greys are black."""
THEMES: tuple[Theme, ...] = get_args(Theme)
Shade = tuple[str, str]
"""On light ground, on dark ground."""

TIMES = "×"
FONTS = "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

_FIXED: Mapping[str, Shade] = {
    "ground": ("#ffffff", "#0d1117"),
    "cell": ("#f5f7fa", "#161c25"),
    "cell_line": ("#d5dbe3", "#2f3947"),
    "card": ("#e6ebf1", "#222c39"),
    "guide": ("#e1e6ec", "#26303c"),
    "ink": ("#1b2430", "#e8edf3"),
    "on_ink": ("#fefefe", "#0e1218"),
    "muted": ("#5d6875", "#98a4b3"),
    "down": ("#0b6bb8", "#58b0f5"),
    "up": ("#c8442f", "#ff8a66"),
    "same": ("#7b8794", "#8794a5"),
    "ring": ("#3a4553", "#aeb9c6"),
    "new": ("#16803c", "#4fd07f"),
    "gone": ("#c2255c", "#ff7aa8"),
    "changed": ("#9a6700", "#e3b341"),
    "swatch": ("#e6eaef", "#232d3a"),
}

# What is grey in print, such that it needs one ink and no two have to meet; levels keep their tints there.
_PRINT: Mapping[str, str] = {
    "cell": "#f7f7f7",
    "cell_line": "#cfcfcf",
    "card": "#e6e6e6",
    "guide": "#dcdcdc",
    "ink": "#141414",
    "on_ink": "#ffffff",
    "muted": "#595959",
    "same": "#7a7a7a",
    "ring": "#404040",
    "swatch": "#e8e8e8",
}
# Edges that go up are dashed, so they may be as dark as those that go down.
_GREY: Mapping[str, str] = {
    **_PRINT,
    "down": "#141414",
    "up": "#4a4a4a",
    "same": "#858585",
    "fill": "#e0e0e0",
    "line": "#404040",
    "text": "#2e2e2e",
}

# Fill, line and text of a level. The line is at least 3:1 against the ground, the text 4.5:1.
_TINTS: tuple[tuple[Shade, Shade, Shade], ...] = (
    (("#dedbf4", "#2d294f"), ("#6457ad", "#a79dec"), ("#6356ac", "#a89eed")),
    (("#c3e7e6", "#153c3c"), ("#147c7a", "#56c4c1"), ("#137371", "#57c5c2")),
    (("#cdebd0", "#1d3d27"), ("#2b8a4b", "#6ccb8b"), ("#24783f", "#6dcc8c")),
    (("#e9efbd", "#363c17"), ("#74831a", "#bccb5a"), ("#646f11", "#bdcc5b")),
    (("#fbe7bd", "#43351a"), ("#b07a12", "#e5b454"), ("#8f600a", "#e6b555")),
    (("#f6d9ea", "#46243a"), ("#a8437f", "#e69ac5"), ("#9c3b75", "#e79bc6")),
    (("#e3ddd3", "#38322a"), ("#7d6c52", "#c2b295"), ("#6f5f47", "#c3b396")),
)
_FIRST_TINTED = 3


def shade(role: str) -> Shade:
    """The two colours of a role: a name above, or ``fill``, ``line`` or ``text`` of a level as ``fill.5``."""
    part, _, level = role.partition(".")
    if not level:
        return _FIXED[part]
    fill, line, text = _TINTS[(int(level) - _FIRST_TINTED) % len(_TINTS)]
    return {"fill": fill, "line": line, "text": text}[part]


def colour(role: str, theme: Theme) -> str:
    """The colour of a role in a theme; of ``auto``, that on light ground."""
    greys = {"grey": _GREY, "print": _PRINT}.get(theme, {})
    part, _, _ = role.partition(".")
    return greys.get(part) or shade(role)[theme == "dark"]


def inks(colour: str) -> tuple[float, float, float, float]:
    """A colour as shares of cyan, magenta, yellow and black, with as much black as there can be."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    light = max(parts)
    cyan, magenta, yellow = ((light - part) / light if light else 0.0 for part in parts)
    return cyan, magenta, yellow, 1.0 - light
