"""Transposed convolution to a finer level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, PositiveInt

from fpngraph.feature import Feature, Size
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Cost, Mismatch, Site, Up
from fpngraph.ops.conv import conv_cost, has_bias
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class Deconv(Up):
    """Transposed convolution with the ratio as kernel and stride, as in arXiv:2203.16527 Sec. 3."""

    name: ClassVar[str] = "deconv"
    modules = ("fpngraph.layers.resample.deconv.Deconv",)
    layout = "any"

    reduction: PositiveInt | None = Field(
        default=None, description="Divides the channels that it takes; without it, it gives the node's."
    )
    bias: Literal["auto"] | bool = Field(
        default="auto", description="Whether it adds a bias; 'auto': unless a norm comes next."
    )

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        channels = inputs[0].channels
        if self.reduction is None:
            channels = site.channels or channels
        elif channels % self.reduction:
            raise Mismatch(f"has a reduction of {self.reduction}, which does not divide the {channels} channels")
        else:
            channels //= self.reduction
        return super().infer(inputs, site)._replace(channels=channels)

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        channels = inputs[0].channels, self.infer(inputs, site).channels
        # every weight meets every pixel that goes in
        return conv_cost(channels, site.ratio, 1, has_bias(self.bias, site), size_in)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.resample.deconv import Deconv as Module

        channels = self.infer(inputs, site).channels
        return Module(inputs[0].channels, channels, site.ratio, bias=has_bias(self.bias, site))

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new", commutes="always" if module.bias is None else "never"),)
