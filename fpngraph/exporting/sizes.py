"""Which images a program takes: of any size, of sides that are multiples of a number, or of one size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, PositiveInt
from torch.export import Dim

from fpngraph.feature import Size

Batches = list[tuple[int, Size]]


class Sizes(BaseModel):
    """The sides of images that a program takes: ``fixed`` ones, or multiples of a number, from ``least`` on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    multiple: PositiveInt = 1
    least: PositiveInt = 1
    fixed: Size | None = None

    def __str__(self) -> str:
        if self.fixed:
            return f"of {self.fixed.height}x{self.fixed.width} pixels"
        if self.multiple > 1:
            return f"whose sides are multiples of {self.multiple}, {self.least} pixels or more"
        return f"whose sides are {self.least} pixels or more"

    def take(self, size: Size) -> bool:
        """Whether images of a size are among them."""
        if self.fixed:
            return size == self.fixed
        return all(side >= self.least and side % self.multiple == 0 for side in size)

    def near(self, size: Size) -> Size:
        """A size that is taken, near to this one."""
        if self.fixed:
            return self.fixed
        return Size(*(max(self.least, round(side / self.multiple) * self.multiple) for side in size))

    def dimensions(self) -> dict[int, Any]:
        """As ``torch.export`` is told of images [B, 3, H, W]."""
        batch = {0: Dim("batch")}
        if self.fixed:
            return batch
        if self.multiple > 1:
            least = self.least // self.multiple
            return batch | {2: self.multiple * Dim("rows", min=least), 3: self.multiple * Dim("columns", min=least)}
        return batch | {2: Dim("height", min=self.least), 3: Dim("width", min=self.least)}

    def others(self, size: Size) -> Batches:
        """Batches of other images than those of ``size``, to compare with."""
        larger = self.near(Size(size.height + self.multiple, size.width + 3 * self.multiple))
        smaller = self.near(Size(size.height // 2 + 5, size.width // 2 - 3))
        return [(1, larger), (3, smaller)]


def attempts(stride: int, size: Size) -> Iterator[Sizes]:
    """From the most open sizes to the least those that have ``size``, for a module whose coarsest map has a stride.

    Each map has two pixels or more a side, which programs of torch need for sizes that are open.
    """
    for sizes in (Sizes(least=stride + 1), Sizes(multiple=stride, least=2 * stride), Sizes(fixed=size)):
        if sizes.take(size):
            yield sizes
