"""What detectors are trained on: images with boxes of known classes, and the error for all that is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fpngraph.detection.coco import Category
from fpngraph.errors import Refusal

_LISTED = 20  # problems that a message has

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""


class DataProblem(NamedTuple):
    """One thing that is wrong with a data set: in which file, with what in it, and what it is."""

    file: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.where}: {self.message}" if self.where else f"{self.file}: {self.message}"


class DataError(Refusal, ValueError):
    """A data set cannot be trained on. ``problems`` has all that is wrong with it, the message the first of them."""

    def __init__(self, problems: Sequence[DataProblem], hint: str = "") -> None:
        self.problems = tuple(problems)
        more = len(problems) - _LISTED
        lines = [*map(str, problems[:_LISTED]), *([f"... and {more} more"] if more > 0 else [])]
        super().__init__("\n".join([*lines, *([f"  hint: {hint}"] if hint else [])]))


@dataclass(frozen=True, slots=True)
class Example:
    """An image and the objects in it: boxes in its pixels, and the label of each."""

    id: int
    path: Path
    width: int
    height: int
    boxes: tuple[Box, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CocoData:
    """What ``read_coco`` has read: the images in the order of the file, and the categories in that of their numbers."""

    annotations: Path
    categories: tuple[Category, ...]
    examples: tuple[Example, ...]
    skipped: tuple[DataProblem, ...] = ()
    """What was wrong and is left out."""
    left_out: frozenset[int] = frozenset()
    """The annotations that are left out, by their places in the file."""
