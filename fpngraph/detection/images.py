"""Images of every kind as red, green and blue, and those as a detector's input."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor  # type: ignore[import-untyped]  # no hints

from fpngraph.detection.boxes import Original
from fpngraph.errors import Refusal
from fpngraph.feature import Size

MOST_PIXELS = 1 << 27
"""Of an image file, which take up to 1 GiB while it is read. A file of a few thousand bytes may say any number."""
_STRIP_PIXELS = 1 << 22
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


class ImageError(Refusal, ValueError):
    """A file that is no image, or a broken one."""


def open_image(path: str | os.PathLike[str]) -> Image.Image:
    """What people see in an image file: upright as its EXIF data say, and of several frames the first.

    Raises OSError for a file that cannot be read and ImageError for one that is no image, or a too large one.

    >>> from PIL import Image
    >>> Image.new("L", (4, 3)).save("grey.png")
    >>> open_image("grey.png").mode
    'RGB'
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of oddities in files that can be read all the same
        try:
            with Image.open(path) as image:
                if image.width * image.height > MOST_PIXELS:
                    sides = f"{image.width:,} x {image.height:,}"
                    raise ImageError(f"the image has {sides} pixels, more than {MOST_PIXELS:,} in all")
                ImageOps.exif_transpose(image, in_place=True)
                image.load()
                return to_rgb(image)
        except UnidentifiedImageError:
            raise ImageError("this is no image, or of a kind that Pillow cannot read") from None
        except ImageError:
            raise
        except Image.DecompressionBombError:
            most = min(MOST_PIXELS, 2 * (Image.MAX_IMAGE_PIXELS or MOST_PIXELS))  # the second is Pillow's own
            raise ImageError(f"the image has more than {most:,} pixels") from None
        except Exception as error:  # each format has its own ways to be broken
            if isinstance(error, OSError) and error.strerror:
                raise
            raise ImageError(f"the image is broken: {' '.join(str(error).split())}") from error


def to_rgb(image: Image.Image) -> Image.Image:
    """The image in red, green and blue: transparent parts on white, 16 bits and more as 8. It may be the same image."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        white = _white(image)
        return _by_strips(
            image, lambda strip: strip.convert("F").point(lambda value: value * (255 / white)).convert("L")
        )
    if image.has_transparency_data:
        return _by_strips(image, _on_white)
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite((image.convert("LA") if image.mode == "La" else image).convert("RGBA"))
    return white


def _white(image: Image.Image) -> float:
    """The value of white in greys of more than 8 bits."""
    highest = 0.0
    for _, strip in _strips(image):
        _, most = strip.convert("F").getextrema()
        assert isinstance(most, float)
        highest = max(highest, most)
    return next((white for white in _WHITES.get(image.mode, (65535,)) if white >= highest), highest)


def _by_strips(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """What ``convert`` makes of the image in red, green and blue, without more than one whole copy of it."""
    whole = Image.new("RGB", image.size)
    for top, strip in _strips(image):
        whole.paste(convert(strip).convert("RGB"), (0, top))
    return whole


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The image in parts from top to bottom, each with its first row."""
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def letterbox(image: Image.Image, size: Size, normalization: Normalization) -> tuple[Tensor, Original]:
    """An input for a detector: as large as fits into ``size`` with its shape kept, at the top left, normalised.

    Shape: [3, height, width], float32.
    """
    pixels, original = boxed(image, size, normalization)
    return normalised(pixels, normalization), original


def boxed(image: Image.Image, size: Size, normalization: Normalization) -> tuple[Tensor, Original]:
    """The same before it is normalised: red, green and blue, and the grey of ``normalization`` around them.

    Shape: [3, height, width], uint8.
    """
    original = Size(image.height, image.width)
    scale = max(original.height / size.height, original.width / size.width)
    height = max(1, min(size.height, original.height * size.width // original.width))
    width = max(1, min(size.width, original.width * size.height // original.height))
    box = Image.new("RGB", (size.width, size.height), fill_colour(normalization))
    box.paste(to_rgb(image).resize((width, height), Image.Resampling.BILINEAR))
    return pil_to_tensor(box), Original(original, scale)


def normalised(pixels: Tensor, normalization: Normalization) -> Tensor:
    """What a model takes of red, green and blue from 0 to 255.

    Shape: [..., 3, H, W] of any type to float32.
    """
    mean, std = _column(normalization.mean), _column(normalization.std)
    return (pixels.float() - mean.to(pixels.device)) / std.to(pixels.device)


def fill_colour(normalization: Normalization) -> tuple[int, int, int]:
    """Red, green and blue of what is around an image, 0 to 255."""
    fill = normalization.fill
    red, green, blue = normalization.mean if fill == "mean" else (fill / 255,) * 3
    return round(255 * red), round(255 * green), round(255 * blue)


def _column(colour: Colour) -> Tensor:
    """Parts of 1 as parts of 255, to be broadcast over an image."""
    return torch.tensor([255 * value for value in colour])[:, None, None]
