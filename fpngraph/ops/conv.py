"""Convolutions of a node: they keep the size of the map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from fpngraph.feature import Feature, Size
from fpngraph.inference.classes import is_one_of, no_rule
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Cost, Layer, Mismatch, Site
from fpngraph.ops.plain import made_of
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn

Bias = Annotated[Literal["auto"] | bool, Field(description="Whether it adds a bias; 'auto': unless a norm comes next.")]
CONVS = ("torch.nn.Conv2d", "fpngraph.layers.conv.PaddedConv2d")


def has_bias(bias: Bias, site: Site) -> bool:
    """Whether a convolution at ``site`` has a bias."""
    return site.bias if bias == "auto" else bias


def check_groups(groups: int, in_channels: int, out_channels: int) -> None:
    """Raises Mismatch unless ``groups`` divides both numbers of channels."""
    for channels, what in ((in_channels, "takes"), (out_channels, "gives")):
        if channels % groups:
            both = f"both {in_channels} and {out_channels}" if in_channels != out_channels else channels
            raise Mismatch(
                f"has {groups} groups, which do not divide the {channels} channels it {what}",
                f"set 'groups' to a divisor of {both}",
            )


def conv_cost(channels: tuple[int, int], kernel: int, groups: int, bias: bool, size_out: Size) -> Cost:
    """Cost of a convolution from ``channels[0]`` to ``channels[1]`` channels that gives ``size_out``."""
    weights = channels[0] // groups * channels[1] * kernel**2
    return Cost(weights + channels[1] * bias, weights * size_out.height * size_out.width)


def conv_part(conv: nn.Module) -> Part:
    """What is known of a convolution, or of what stands in place of one."""
    from torch import nn

    from fpngraph.layers.conv import is_pointwise, pointwise

    if not is_one_of(conv, CONVS):
        return Part(conv, remains=no_rule(conv))
    assert isinstance(conv, nn.Conv2d)
    if not isinstance(conv.weight, nn.Parameter) or not isinstance(conv.bias, nn.Parameter | None):
        return Part(conv, "new", remains="its weight or bias is no parameter")
    return Part(pointwise(conv) if is_pointwise(conv) else conv, "new", absorbs=True)


class _Conv(Layer):
    kernel: PositiveInt = Field(default=3, description="Side of the kernel in pixels.")
    channels: PositiveInt | None = Field(default=None, description="Channels it gives; by default the node's.")
    dilation: PositiveInt = Field(default=1, description="Distance of neighbouring taps of the kernel in pixels.")
    bias: Bias = "auto"

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        channels = self.channels or site.channels
        if channels is None:
            hint = f"set 'channels' of the node or of '{self.name}'"
            raise Mismatch("needs a number of channels", hint, "channels-unknown")
        return inputs[0]._replace(channels=channels)


@register
class Conv(_Conv):
    """Convolution of stride 1, as torch has it, that keeps the size for even kernels too."""

    name: ClassVar[str] = "conv"
    modules = CONVS
    layout = "any"

    groups: PositiveInt = Field(default=1, description="Groups of channels that are convolved apart.")

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        output = super().infer(inputs, site)
        check_groups(self.groups, inputs[0].channels, output.channels)
        return output

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        channels = inputs[0].channels, self.infer(inputs, site).channels
        return conv_cost(channels, self.kernel, self.groups, has_bias(self.bias, site), size_out)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.conv import same_size_conv

        channels = self.infer(inputs, site).channels
        bias = has_bias(self.bias, site)
        return same_size_conv(inputs[0].channels, channels, self.kernel, self.dilation, groups=self.groups, bias=bias)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (conv_part(module),)


@register
class SeparableConv(_Conv):
    """Depthwise convolution, then a pointwise one, which has the bias (MobileNets, arXiv:1704.04861 Sec. 3.1)."""

    name: ClassVar[str] = "separable_conv"
    modules = ("fpngraph.layers.conv.SeparableConv2d",)
    layout = "any"

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        width, channels = inputs[0].channels, self.infer(inputs, site).channels
        depthwise = conv_cost((width, width), self.kernel, width, False, size_out)
        return depthwise + conv_cost((width, channels), 1, 1, has_bias(self.bias, site), size_out)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        channels = self.infer(inputs, site).channels
        bias = has_bias(self.bias, site)
        return made_of(self, inputs[0].channels, channels, self.kernel, dilation=self.dilation, bias=bias)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        from fpngraph.layers.conv import SeparableConv2d

        assert isinstance(module, SeparableConv2d)
        return conv_part(module.depthwise), conv_part(module.pointwise)
