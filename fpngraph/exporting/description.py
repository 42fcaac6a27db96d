"""What a detector's file says of itself, so that whoever runs it needs nothing else."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from fpngraph.detection.boxes import Suppression
from fpngraph.detection.coco import Category
from fpngraph.detection.images import Normalization
from fpngraph.exporting.sizes import Sizes
from fpngraph.feature import Size


class Description(BaseModel):
    """How images are made for a detector's program, and what its results mean.

    ``image_size`` is what images are made to fit where nobody says another, among the ``sizes`` that it takes. Mean and
    deviation of ``normalization`` are within the program, its ``fill`` goes around images before. A label is a place
    in ``categories``. Detections below ``score`` are left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    kind: Literal["detector"] = "detector"
    image_size: Size
    sizes: Sizes
    normalization: Normalization
    categories: tuple[Category, ...]
    score: float
    suppression: Suppression
