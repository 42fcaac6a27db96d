"""How large a picture is on paper, and whether its smallest text can be read there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil, floor

from fpngraph.drawing.picture.scene import Scene, texts

PX = {"in": 96.0, "cm": 96.0 / 2.54, "mm": 96.0 / 25.4, "pt": 96.0 / 72.0, "px": 1.0}
"""Units of a length in pixels, of which an inch has 96."""
LEAST_PT = 5.0
"""Below this, journals refuse the text of a figure."""
_LENGTH = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]+)")


def length_px(text: str) -> float:
    """A length in pixels, from a number with a unit: ``3.4in``, ``86mm``. Raises ValueError for what is none."""
    found = _LENGTH.fullmatch(str(text).strip().lower())  # from Python, a number without a unit comes too
    number, unit = found.groups() if found else ("0", "")
    if unit not in PX or not 0 < float(number) < 1e6:
        raise ValueError(f"{text!r} is no width; a number above 0 with a unit is required: {', '.join(PX)}, as 3.4in")
    return float(number) * PX[unit]


def least_in(scene: Scene) -> float:
    """The least width in inches, rounded up, at which the smallest text of a scene that has a width can be read."""
    return ceil(10 * (scene.width or 0.0) * LEAST_PT / smallest_pt(scene) / PX["in"] - 1e-6) / 10


def too_small(scene: Scene, width: str, ways: Sequence[str]) -> ValueError:
    """Says that the smallest text is too small at this width; ``ways`` may make the picture narrower."""
    found = floor(10 * smallest_pt(scene)) / 10  # 4.96 is not 5.0
    return ValueError(
        f"at a width of {width} the smallest text has {found:.1f} pt, at least {LEAST_PT:.0f} pt are required\n"
        f"  hint: this picture needs {least_in(scene):.1f}in"
        + (f"; it may need less with {' and '.join(ways)}" if ways else "")
    )


def smallest_pt(scene: Scene) -> float:
    """Of the texts of a scene, at its width."""
    return min((text.size for text in texts(scene.groups)), default=LEAST_PT / 0.75) * scene.zoom * 0.75
