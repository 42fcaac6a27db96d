"""The boxes that a box head's numbers are offsets from (as in the paper of focal loss, arXiv:1708.02002 Sec. 4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt
from torch import Tensor

from fpngraph.feature import Size

_REMEMBERED = 16  # sizes of images; a large one has half a million anchors, 8 MB

AspectRatio = PositiveFloat | tuple[PositiveFloat, PositiveFloat]
"""Width / height of an anchor that keeps the area, or factors of width and height."""
Shape = tuple[float, float]
"""Width and height of an anchor, in strides."""


class Anchors(BaseModel):
    """The anchors of each place of a map: of so many sizes per octave, in every aspect ratio.

    ``scale`` is the side of the smallest square one, in strides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_scales: PositiveInt
    aspect_ratios: tuple[AspectRatio, ...] = Field(min_length=1)
    scale: PositiveFloat

    @property
    def per_place(self) -> int:
        """Anchors per pixel of a map."""
        return self.num_scales * len(self.aspect_ratios)

    def shapes(self) -> list[Shape]:
        """Sizes of one octave in the outer order, aspect ratios in the inner."""
        sides = [self.scale * 2 ** (octave / self.num_scales) for octave in range(self.num_scales)]
        return [(side * width, side * height) for side in sides for width, height in map(_factors, self.aspect_ratios)]


def anchor_boxes(
    anchors: Anchors, image_size: Size, map_sizes: Sequence[Size], device: torch.device | str = "cpu"
) -> Tensor:
    """The anchors of all levels, in the order of the heads' outputs: level, row, column, anchor of the place.

    ``image_size`` and ``map_sizes`` are (height, width) in pixels, the maps' in the order of the levels. A map's
    stride is image / map, which is no whole number where the image does not divide.

    The tensor is kept for the next call: do not write to it. While torch exports or compiles, sizes may be symbols.

    Shape: [N, 4], float32, left, top, right, bottom in pixels of the image.
    Raises RuntimeError for sizes that are tensors, as ``torch.jit.trace`` has them.

    >>> anchors = Anchors(num_scales=1, aspect_ratios=(1.0,), scale=1.0)
    >>> anchor_boxes(anchors, (64, 64), [(2, 2)])[1].tolist()
    [32.0, 0.0, 64.0, 32.0]
    """
    if any(isinstance(side, Tensor) for size in (image_size, *map_sizes) for side in size):
        raise RuntimeError(
            "anchors are for one size of image, and a trace would keep them for every other\n"
            "  hint: trace the model alone, and decode what it predicts outside of the trace"
        )
    if torch.compiler.is_compiling():  # what a program works out anew for its images
        return _boxes(anchors, image_size, map_sizes, torch.device(device))
    with torch.inference_mode(False):  # what is kept can be used in training too
        return _kept(anchors, image_size, tuple(map_sizes), torch.device(device))


def _factors(ratio: AspectRatio) -> tuple[float, float]:
    """Factors of width and height; those of a number, width / height, keep the area."""
    return ratio if isinstance(ratio, tuple) else (math.sqrt(ratio), 1 / math.sqrt(ratio))


@lru_cache(maxsize=_REMEMBERED)
def _kept(anchors: Anchors, image: Size, maps: tuple[Size, ...], device: torch.device) -> Tensor:
    return _boxes(anchors, image, maps, device)


def _boxes(anchors: Anchors, image: Size, maps: Sequence[Size], device: torch.device) -> Tensor:
    return torch.cat([_level(anchors.shapes(), image, size) for size in maps]).to(device, torch.float32)


def _level(shapes: Sequence[Shape], image: Size, size: Size) -> Tensor:
    """The anchors of one level, around the centres of its pixels, in float64."""
    stride_y, stride_x = (side / pixels for side, pixels in zip(image, size, strict=True))
    y = (torch.arange(size[0], dtype=torch.float64, device="cpu") + 0.5) * stride_y
    x = (torch.arange(size[1], dtype=torch.float64, device="cpu") + 0.5) * stride_x
    halves = [(width * stride_x / 2, height * stride_y / 2) for width, height in shapes]
    half = torch.tensor(halves, dtype=torch.float64, device="cpu")
    centres = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[:, :, None]
    return torch.cat([centres - half, centres + half], dim=-1).flatten(0, 2)
