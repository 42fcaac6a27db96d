"""A detector: images in, boxes with scores and labels out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from PIL import Image
from torch import Tensor, nn

from fpngraph.detection.anchors import Anchors
from fpngraph.detection.boxes import Detections, Original, Predictions, Suppression, detections
from fpngraph.detection.images import ImageError, Normalization, boxed, normalised, open_image
from fpngraph.feature import Size

Picture = Image.Image | str | os.PathLike[str]

_VALUES = {"image_size": Sequence, "anchors": Anchors, "normalization": Normalization, "suppression": Suppression}


class DetectionModel(Protocol):
    """A ``torch.nn.Module`` that says, by four attributes, how its input is made and its maps are read.

    Shape: images [B, 3, H, W] of any size to ``Predictions``.
    """

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width that images are made to fit, in pixels."""

    @property
    def anchors(self) -> Anchors: ...

    @property
    def normalization(self) -> Normalization: ...

    @property
    def suppression(self) -> Suppression: ...

    def __call__(self, images: Tensor, /) -> Predictions: ...

    def eval(self) -> object: ...

    def modules(self) -> Iterator[nn.Module]: ...

    def parameters(self) -> Iterator[nn.Parameter]: ...


class Detector:
    """Finds objects with a model, which it runs without gradients and in its evaluation mode.

    ``model`` is an EfficientDet or its inference form, or any other DetectionModel. It is left as it was, in training
    mode where it was.
    """

    def __init__(self, model: DetectionModel) -> None:
        _check(model)
        self.model = model

    def __call__(self, images: Tensor, originals: Sequence[Original] | None = None) -> list[Detections]:
        """What is in each image of a batch that is normalised already.

        With ``originals``, one per image, boxes end at the borders of their original and are in its pixels; without,
        they are in pixels of the batch.

        Shape: images [B, 3, H, W] of any size.
        """
        if not isinstance(images, Tensor):
            kind = type(images).__name__
            raise TypeError(
                f"images is a {kind}, not a tensor\n  hint: 'detect' takes images of Pillow and image files"
            )
        if not images.is_floating_point():
            raise TypeError(f"images is of {images.dtype}, but normalised images are of a floating-point type")
        if images.ndim != 4:
            raise ValueError(f"images has the shape {tuple(images.shape)}, not [batch, 3, height, width]")
        if originals is not None and len(originals) != len(images):
            raise ValueError(f"there are {len(originals)} originals for {len(images)} images")
        model = self.model
        with _evaluating(model), torch.inference_mode():
            predictions = model(images)
            if not isinstance(predictions, Predictions):
                raise TypeError(f"the model gives a {type(predictions).__name__}, not Predictions(classes, boxes)")
            size, anchors, suppression = Size(*images.shape[-2:]), model.anchors, model.suppression
            return detections(predictions, size, anchors=anchors, suppression=suppression, originals=originals)

    def detect(
        self, images: Sequence[Picture], *, image_size: tuple[int, int] | None = None, batch_size: int = 1
    ) -> list[Detections]:
        """What is in each image of Pillow or image file, in its pixels; files are turned as their EXIF data say.

        ``image_size`` is the height and width of the model's input that each is made to fit, by default its
        own. Raises OSError or ImageError for a file that cannot be read.
        """
        size = input_size(self.model.image_size if image_size is None else image_size)
        normalization = self.model.normalization
        found: list[Detections] = []
        for pixels, originals in inputs(images, size, normalization, batch_size):
            batch = normalised(pixels, normalization).to(next(self.model.parameters()))
            found += self(batch, originals)
        return found


def inputs(
    images: Sequence[Picture], size: Size, normalization: Normalization, batch_size: int
) -> Iterator[tuple[Tensor, list[Original]]]:
    """Images of Pillow and image files as batches of a size, and what they were.

    Shape: [batch, 3, height, width], uint8, red, green and blue.
    """
    if isinstance(images, str) or not isinstance(images, Sequence):
        raise TypeError(f"images is a {type(images).__name__}, not a list of images or paths")
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}, but must be 1 or more")
    for start in range(0, len(images), batch_size):
        boxes = [boxed(_opened(image), size, normalization) for image in images[start : start + batch_size]]
        yield torch.stack([pixels for pixels, _ in boxes]), [original for _, original in boxes]


def _check(model: object) -> None:
    kind = type(model).__name__
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {kind}, not a torch.nn.Module\n  hint: fpngraph.efficientdet.create makes one")
    lacking = [name for name, value in _VALUES.items() if not isinstance(getattr(model, name, None), value)]
    if lacking:
        hint = "fpngraph.detection.DetectionModel says what these are"
        raise TypeError(f"model is a {kind} without {', '.join(lacking)}\n  hint: {hint}")


def _opened(image: Picture) -> Image.Image:
    if isinstance(image, Image.Image):
        return image
    if not isinstance(image, str | os.PathLike):
        kind = type(image).__name__
        hint = "PIL.Image.fromarray makes an image of an array [height, width, 3] of uint8"
        raise TypeError(f"one of images is a {kind}, not an image of Pillow or a path\n  hint: {hint}")
    try:
        return open_image(image)
    except ImageError as error:
        raise ImageError(f"{os.fspath(image)!r}: {error}") from error


def input_size(sides: Sequence[int]) -> Size:
    """Height and width as somebody says them. Raises ValueError for what are none."""
    if (
        not isinstance(sides, Sequence)
        or len(sides) != 2
        or not all(isinstance(side, int) and side > 0 for side in sides)
    ):
        raise ValueError(f"image_size is {sides!r}, but must be (height, width) in pixels")
    return Size(*sides)


@contextmanager
def _evaluating(model: DetectionModel) -> Iterator[None]:
    """Evaluation mode; afterwards each part is in the mode it was in."""
    training = [part for part in model.modules() if part.training]
    model.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True
