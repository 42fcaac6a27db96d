"""Operators that take a map to another level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, PositiveInt

from fpngraph.feature import Feature, PaddingRule, Size
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Cost, Down, Free, Mismatch, Site, Up
from fpngraph.ops.conv import CONVS, check_groups, conv_cost, conv_part, has_bias
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn

Kernel = PositiveInt | Literal["ratio"]
INTERPOLATE = ("fpngraph.layers.resample.Interpolate",)


def _rule(kernel: Kernel | None, site: Site) -> PaddingRule:
    """Windows of the ratio lie side by side from the first pixel on; only the last one may reach beyond the map."""
    return "after" if kernel == "ratio" else site.padding


class _Pool(Free, Down):
    kernel: Kernel | None = Field(
        default=None, description="Side of the window in pixels; by default the ratio of the two strides plus one."
    )

    def side(self, site: Site) -> int:
        """The window's side in pixels."""
        if self.kernel is None:
            return site.ratio + 1
        return site.ratio if self.kernel == "ratio" else self.kernel


@register
class MaxPool(_Pool):
    """Max pooling with the ratio as stride; EfficientDet's (arXiv:1911.09070) takes a window of ratio + 1."""

    name: ClassVar[str] = "max_pool"
    modules = ("fpngraph.layers.resample.MaxPool",)
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.resample import MaxPool as Module

        return Module(self.side(site), site.ratio, _rule(self.kernel, site))

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new_or_input", commutes="non_negative"),)


@register
class AvgPool(_Pool):
    """Average pooling with the ratio as stride; padding counts, as in effdet's (arXiv:1911.09070)."""

    name: ClassVar[str] = "avg_pool"
    modules = ("fpngraph.layers.resample.AvgPool",)
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.resample import AvgPool as Module

        return Module(self.side(site), site.ratio, _rule(self.kernel, site))

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new_or_input", commutes="always"),)


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
    bias: Literal["auto"] | bool = Field(
        default="auto", description="Whether it adds a bias; 'auto': unless a norm comes next."
    )
    groups: PositiveInt = Field(default=1, description="Groups of channels that are convolved apart.")

    def side(self, site: Site) -> int:
        """The kernel's side in pixels."""
        return site.ratio if self.kernel == "ratio" else self.kernel

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        source = inputs[0]
        channels = self.channels or site.channels or source.channels
        check_groups(self.groups, source.channels, channels)
        return super().infer(inputs, site)._replace(channels=channels)

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        channels = inputs[0].channels, self.infer(inputs, site).channels
        return conv_cost(channels, self.side(site), self.groups, has_bias(self.bias, site), size_out)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.conv import PaddedConv2d

        channels = self.infer(inputs, site).channels
        return PaddedConv2d(
            inputs[0].channels,
            channels,
            self.side(site),
            stride=site.ratio,
            padding=_rule(self.kernel, site),
            groups=self.groups,
            bias=has_bias(self.bias, site),
        )

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (conv_part(module),)


@register
class NearestDown(Free, Down):
    """The nearest pixel, straight to the level's size (torch's ``nearest``, which rounds down)."""

    name: ClassVar[str] = "nearest"
    modules = INTERPOLATE
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.resample import Interpolate

        return Interpolate("nearest")

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new_or_input", commutes="always"),)


@register
class BilinearDown(Free, Down):
    """Bilinear interpolation, straight to the level's size, corners not aligned, as in effdet's bilinear necks."""

    name: ClassVar[str] = "bilinear"
    modules = INTERPOLATE
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.resample import Interpolate

        return Interpolate("bilinear")

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new_or_input", commutes="always"),)


@register
class NearestUp(Free, Up):
    """The nearest pixel, straight to the level's size, as in arXiv:1612.03144 Sec. 3."""

    name: ClassVar[str] = "nearest"
    modules = INTERPOLATE
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.resample import Interpolate

        return Interpolate("nearest")

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new_or_input", commutes="always"),)


@register
class BilinearUp(Free, Up):
    """Bilinear interpolation, straight to the level's size, corners not aligned, as in effdet's bilinear necks."""

    name: ClassVar[str] = "bilinear"
    modules = INTERPOLATE
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.resample import Interpolate

        return Interpolate("bilinear")

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new_or_input", commutes="always"),)


@register
class Deconv(Up):
    """Transposed convolution with the ratio as kernel and stride, as in arXiv:2203.16527 Sec. 3."""

    name: ClassVar[str] = "deconv"
    modules = ("fpngraph.layers.resample.Deconv",)
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
        from fpngraph.layers.resample import Deconv as Module

        channels = self.infer(inputs, site).channels
        return Module(inputs[0].channels, channels, site.ratio, bias=has_bias(self.bias, site))

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new", commutes="always" if module.bias is None else "never"),)
