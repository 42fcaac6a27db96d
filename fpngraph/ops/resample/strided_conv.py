"""Convolution to a coarser level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveInt

from fpngraph.feature import Feature, Size
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Cost, Down, Site
from fpngraph.ops.conv import CONVS, Bias, check_groups, conv_cost, conv_part, has_bias
from fpngraph.ops.registry import register
from fpngraph.ops.resample.windows import Kernel, padding_rule, side

if TYPE_CHECKING:
    from torch import nn


@register
class StridedConv(Down):
    """Convolution with the ratio as stride, as in arXiv:1708.02002 Sec. 4."""

    name: ClassVar[str] = "strided_conv"
    modules = CONVS
    layout = "any"

    kernel: Kernel = Field(default=3, description="Side of the kernel in pixels, or 'ratio' for the stride.")
    channels: PositiveInt | None = Field(
        default=None, description="Channels it gives; by default what the node needs of the edge, or its source's."
    )
    bias: Bias = "auto"
    groups: PositiveInt = Field(default=1, description="Groups of channels that are convolved apart.")

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        source = inputs[0]
        channels = self.channels or site.channels or source.channels
        check_groups(self.groups, source.channels, channels)
        return super().infer(inputs, site)._replace(channels=channels)

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        channels = inputs[0].channels, self.infer(inputs, site).channels
        return conv_cost(channels, side(self.kernel, site), self.groups, has_bias(self.bias, site), size_out)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.conv import PaddedConv2d
        from fpngraph.layers.unset import made

        channels = self.infer(inputs, site).channels
        return made(
            PaddedConv2d,
            inputs[0].channels,
            channels,
            side(self.kernel, site),
            stride=site.ratio,
            padding=padding_rule(self.kernel, site),
            groups=self.groups,
            bias=has_bias(self.bias, site),
        )

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (conv_part(module),)
