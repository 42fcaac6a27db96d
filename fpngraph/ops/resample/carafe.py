"""Enlargement to a finer level by kernels that the map itself decides on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveInt

from fpngraph.feature import Feature, Size
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Cost, Site, Up
from fpngraph.ops.conv import conv_cost
from fpngraph.ops.plain import made_of
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class Carafe(Up):
    """Means of the pixels around, with weights that two convolutions work out (CARAFE, arXiv:1905.02188 Sec. 3.2)."""

    name: ClassVar[str] = "carafe"
    modules = ("fpngraph.layers.resample.carafe.Carafe",)
    layout = "any"

    kernel: PositiveInt = Field(default=5, description="Side in pixels of the square that each mean is of.")
    encoder: PositiveInt = Field(default=3, description="Side in pixels of the kernel that works out the weights.")
    compressed: PositiveInt = Field(default=64, description="Channels that the weights are worked out of.")

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        channels, weights = inputs[0].channels, (self.kernel * site.ratio) ** 2
        compressor = conv_cost((channels, self.compressed), 1, 1, True, size_in)
        encoder = conv_cost((self.compressed, weights), self.encoder, 1, True, size_in)
        return compressor + encoder + Cost(0, channels * weights * size_in.height * size_in.width)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return made_of(self, inputs[0].channels, site.ratio, **self.model_dump())

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new"),)
