"""Images of every kind as red, green and blue, and those as a detector's input."""

from __future__ import annotations

import os
import warnings
from typing import Annotated, Literal

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor  # type: ignore[import-untyped]  # no hints

from fpngraph.detection.boxes import Original
from fpngraph.feature import Size

_WHITES = {"I": (65535,), "F": (1, 255, 65535)}
"""Values that may stand for white where a mode says no single one: the lowest that none exceeds is taken."""


Colour = tuple[float, float, float]
"""Red, green and blue in parts of 1."""
Deviations = tuple[PositiveFloat, PositiveFloat, PositiveFloat]
Fill = Literal["mean"] | Annotated[int, Field(ge=0, le=255)]


class Normalization(BaseModel):
    """What a model's input is made of an image by: ``(x - mean) / std``, of values from 0 to 1.

    ``fill`` is the grey around an image that does not fill the input, 0 to 255, or the mean. The defaults of the rest
    are ImageNet's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: Colour = (0.485, 0.456, 0.406)
    std: Deviations = (0.229, 0.224, 0.225)
    fill: Fill = "mean"


class ImageError(ValueError):
    """A file that is no image, or a broken one."""


def open_image(path: str | os.PathLike[str]) -> Image.Image:
    """What people see in an image file: upright as its EXIF data say, and of several frames the first.

    Raises OSError for a file that cannot be read and ImageError for one that is no image.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of oddities in files that can be read all the same
        try:
            with Image.open(path) as image:
                return to_rgb(ImageOps.exif_transpose(image))
        except UnidentifiedImageError:
            raise ImageError("this is no image, or of a kind that Pillow cannot read") from None
        except Image.DecompressionBombError:
            most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
            raise ImageError(f"the image has more than {most:,} pixels") from None
        except Exception as error:  # each format has its own ways to be broken
            if isinstance(error, OSError) and error.strerror:
                raise
            raise ImageError(f"the image is broken: {' '.join(str(error).split())}") from error


def to_rgb(image: Image.Image) -> Image.Image:
    """The image in red, green and blue: transparent parts on white, 16 bits and more as 8."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _shallow(image).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite((image.convert("LA") if image.mode == "La" else image).convert("RGBA"))
    return white.convert("RGB")


def _shallow(image: Image.Image) -> Image.Image:
    """Greys of more than 8 bits in 8."""
    grey = image.convert("F")
    _, highest = grey.getextrema()
    assert isinstance(highest, float)
    white = next((white for white in _WHITES.get(image.mode, (65535,)) if white >= highest), highest)
    return grey.point(lambda value: value * (255 / white)).convert("L")


def letterbox(image: Image.Image, size: Size, normalization: Normalization) -> tuple[Tensor, Original]:
    """An input for a detector: as large as fits into ``size`` with its shape kept, at the top left, normalised.

    Shape: [3, height, width], float32.
    """
    original = Size(image.height, image.width)
    scale = max(original.height / size.height, original.width / size.width)
    height = max(1, min(size.height, original.height * size.width // original.width))
    width = max(1, min(size.width, original.width * size.height // original.height))
    box = Image.new("RGB", (size.width, size.height), _fill(normalization))
    box.paste(to_rgb(image).resize((width, height), Image.Resampling.BILINEAR))
    pixels = pil_to_tensor(box).float()
    return (pixels - _column(normalization.mean)) / _column(normalization.std), Original(original, scale)


def _fill(normalization: Normalization) -> tuple[int, int, int]:
    fill = normalization.fill
    red, green, blue = normalization.mean if fill == "mean" else (fill / 255,) * 3
    return round(255 * red), round(255 * green), round(255 * blue)


def _column(colour: Colour) -> Tensor:
    """Parts of 1 as parts of 255, to be broadcast over an image."""
    return torch.tensor([255 * value for value in colour])[:, None, None]
