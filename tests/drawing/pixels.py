"""Pictures of pixels compared as an eye would: small areas, not single pixels on an edge."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

AREA = 4  # pixels; the smallest letters are eight high


def opened(png: bytes) -> Image.Image:
    return Image.open(BytesIO(png)).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Of the mean colours of small areas, where it is largest: 0 to 255. A label that is missing makes 48 or more."""
    assert one.size == other.size, f"{one.size} is not {other.size}"
    means = [np.asarray(image.convert("RGB").reduce(AREA), dtype=np.float64) for image in (one, other)]
    return float(np.abs(means[0] - means[1]).max())


def assert_alike(one: Image.Image, other: Image.Image, *, tolerance: float) -> None:
    found = difference(one, other)
    assert found <= tolerance, f"they differ by {found}, more than {tolerance}"
