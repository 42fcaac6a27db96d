"""Transposed convolution to a finer level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveInt

from fpngraph.feature import Feature, Size
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Cost, Mismatch, Site, Up
from fpngraph.ops.conv import Bias, conv_cost, has_bias
from fpngraph.ops.plain import made_of
from fpngraph.ops.registry import register
from fpngraph.ops.resample.windows import Kernel, side

if TYPE_CHECKING:
    from torch import nn


@register
class Deconv(Up):
    """Transposed convolution with the ratio as kernel and stride, as in arXiv:2203.16527 Sec. 3.

    A larger kernel is padded by ``(kernel - ratio) / 2``, so that the size is the same (LinkNet, arXiv:1707.03718).
    """

    name: ClassVar[str] = "deconv"
    modules = ("fpngraph.layers.resample.deconv.Deconv",)
    layout = "any"

    kernel: Kernel = Field(
        default="ratio", description="Side of the kernel in pixels, the ratio or more by an even number."
    )
    reduction: PositiveInt | None = Field(
        default=None, description="Divides the channels that it takes; without it, it gives the node's."
    )
    bias: Bias = "auto"

    def side(self, site: Site) -> int:
        """The kernel's side in pixels. Raises Mismatch unless the size that comes out is that of the level."""
        kernel = side(self.kernel, site)
        if kernel < site.ratio or (kernel - site.ratio) % 2:
            raise Mismatch(
                f"has a kernel of {kernel}, but the ratio of the edge is {site.ratio}",
                f"set 'kernel' to {site.ratio}, {site.ratio + 2} or another number that is larger by an even one",
            )
        return kernel

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        self.side(site)
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
        return conv_cost(channels, self.side(site), 1, has_bias(self.bias, site), size_in)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        channels = self.infer(inputs, site).channels
        bias = has_bias(self.bias, site)
        return made_of(self, inputs[0].channels, channels, site.ratio, kernel=self.side(site), bias=bias)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        from torch import nn

        if any(type(value) is not nn.Parameter for value in (module.weight, module.bias) if value is not None):
            return (Part(module, "new", remains="its weight or bias is no parameter"),)
        return (Part(module, "new", absorbs=True),)
