"""Attention to channels and places: each weighs the map that it is given, and keeps its shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PositiveInt

from fpngraph.feature import Feature, Size
from fpngraph.inference.classes import is_one_of, no_rule
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Cost, Layer, Mismatch, Site
from fpngraph.ops.conv import CONVS, conv_cost
from fpngraph.ops.norm import BatchNorm, batch_norm_parts
from fpngraph.ops.plain import made_of
from fpngraph.ops.reading import ActivationSetting
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn

_PIXEL = Size(1, 1)


class _Attention(Layer):
    layout = "any"

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new"),)


class _Reducing(_Attention):
    """One with a convolution to fewer channels and back; ``at_least`` are the fewest."""

    at_least: ClassVar[int] = 1

    reduction: PositiveInt = Field(default=16, description="Divides the channels inside; at least 1 remains.")

    def hidden(self, channels: int) -> int:
        """The channels inside."""
        return max(channels // self.reduction, self.at_least)


@register
class SqueezeExcite(_Reducing):
    """``x * gate(f(mean of x))``, f two layers with ``act`` between (SENet, arXiv:1709.01507 Sec. 3)."""

    name: ClassVar[str] = "squeeze_excite"
    modules = ("torchvision.ops.SqueezeExcitation",)

    act: ActivationSetting = Field(default="relu", validate_default=True, description="Between the two layers.")
    gate: ActivationSetting = Field(default="sigmoid", validate_default=True, description="What makes factors of it.")

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        inner, outer = self._features(inputs)
        there = conv_cost((outer.channels, inner.channels), 1, 1, True, _PIXEL)
        back = conv_cost((inner.channels, outer.channels), 1, 1, True, _PIXEL)
        act = self.act.cost_of_module((inner,), site, _PIXEL, _PIXEL)
        return there + act + back + self.gate.cost_of_module((outer,), site, _PIXEL, _PIXEL)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        inner, outer = self._features(inputs)
        act = partial(self.act.build, (inner,), site)
        gate = partial(self.gate.build, (outer,), site)
        return made_of(self, outer.channels, inner.channels, activation=act, scale_activation=gate)

    def _features(self, inputs: tuple[Feature, ...]) -> tuple[Feature, Feature]:
        """What ``act`` and ``gate`` are given."""
        (feature,) = inputs
        return feature._replace(channels=self.hidden(feature.channels)), feature


@register
class Eca(_Attention):
    """``x * sigmoid(f(mean of x))``, f a convolution along the channels (ECA-Net, arXiv:1910.03151 Sec. 3)."""

    name: ClassVar[str] = "eca"
    modules = ("timm.layers.EcaModule",)

    kernel: PositiveInt | None = Field(
        default=None,
        description="Channels that a factor depends on, odd; by default about (log2(C) + 1) / 2 of C, at least 3.",
    )

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        _check_odd(self.kernel)
        return inputs[0]

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        kernel = self._kernel(inputs[0].channels)
        return Cost(kernel, kernel * inputs[0].channels)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from torch import nn

        return made_of(self, kernel_size=self._kernel(inputs[0].channels), gate_layer=nn.Sigmoid)

    def _kernel(self, channels: int) -> int:
        """As the authors' code has it: rounded down, then up to an odd number; the paper has no least one."""
        side = int((math.log2(channels) + 1) / 2)
        return self.kernel or max(side + (side % 2 == 0), 3)


@register
class Cbam(_Reducing):
    """Channels weighed by their mean and maximum, then pixels by theirs (CBAM, arXiv:1807.06521 Sec. 3)."""

    name: ClassVar[str] = "cbam"
    modules = ("timm.layers.cbam.CbamModule",)

    kernel: PositiveInt = Field(default=7, description="Side of the kernel of the pixels' factors, odd.")

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        _check_odd(self.kernel)
        return inputs[0]

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        weights = 2 * inputs[0].channels * self.hidden(inputs[0].channels)
        pixels = conv_cost((2, 1), self.kernel, 1, False, size_in) + Cost(2, 0)  # with its norm
        return Cost(weights, 2 * weights) + pixels

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from torch import nn

        from fpngraph.layers.act import ReLU

        channels = inputs[0].channels
        act: Any = lambda inplace: ReLU()  # noqa: E731  (timm asks for one that writes to its input)
        return made_of(
            self,
            channels,
            rd_channels=self.hidden(channels),
            spatial_kernel_size=self.kernel,
            act_layer=act,
            gate_layer=nn.Sigmoid,
        )

    def parts(self, module: nn.Module) -> Sequence[Part]:
        own: Any = module
        reason = _fold(own.spatial.conv.conv, own.spatial.conv.bn)
        if not reason:
            own.spatial.conv = own.spatial.conv.conv
        return (Part(own, "new", remains=reason),)


@register
class Coordinate(_Reducing):
    """``x * h * w``: factors of each row and each column, from their means (Coordinate Attention, arXiv:2103.02907)."""

    name: ClassVar[str] = "coordinate"
    modules = ("fpngraph.layers.attention.CoordinateAttention",)
    at_least = 8

    reduction: PositiveInt = Field(default=32, description="Divides the channels inside; at least 8 remain.")

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        channels = inputs[0].channels
        hidden = self.hidden(channels)
        rows, columns = Size(size_in.height, 1), Size(1, size_in.width)
        inner = conv_cost((channels, hidden), 1, 1, False, Size(size_in.height + size_in.width, 1))
        outer = [conv_cost((hidden, channels), 1, 1, True, size) for size in (rows, columns)]
        return sum(outer, inner + Cost(2 * hidden, 0))

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return made_of(self, inputs[0].channels, self.hidden(inputs[0].channels))

    def parts(self, module: nn.Module) -> Sequence[Part]:
        from torch import nn

        own: Any = module
        reason = _fold(own.conv1, own.bn1)
        if not reason:
            own.bn1 = nn.Identity()
        return (Part(own, "new", remains=reason),)


@register
class NonLocal(_Reducing):
    """``x + f(y)``, ``y`` the mean of all pixels, weighed by how alike they are (Non-local, arXiv:1711.07971 Sec. 3.3).

    mmcv's form: no norm after the last convolution.
    """

    name: ClassVar[str] = "non_local"
    modules = ("fpngraph.layers.attention.NonLocal",)

    reduction: PositiveInt = Field(default=2, description="Divides the channels inside; at least 1 remains.")
    scale: bool = Field(default=True, description="Whether likeness is divided by the root of the channels inside.")

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        channels, hidden = inputs[0].channels, self.hidden(inputs[0].channels)
        pixels = size_in.height * size_in.width
        there = [conv_cost((channels, hidden), 1, 1, True, size_in)] * 3
        seen = Cost(0, 2 * hidden * pixels**2)  # who looks at whom, and what is seen
        return sum(there, conv_cost((hidden, channels), 1, 1, True, size_in) + seen)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return made_of(self, inputs[0].channels, self.hidden(inputs[0].channels), scale=self.scale)


def _check_odd(kernel: int | None) -> None:
    if kernel is not None and kernel % 2 == 0:
        raise Mismatch(f"has a kernel of {kernel}, which has no middle", "its kernel is an odd number")


def _fold(conv: nn.Module, norm: nn.Module) -> str:
    """Take a norm into the convolution before it, in place; why that cannot be, if so."""
    if not is_one_of(norm, BatchNorm.modules):
        return f"its norm: {no_rule(norm)}"
    if not is_one_of(conv, CONVS):
        return f"its convolution before a norm: {no_rule(conv)}"
    parts = batch_norm_parts(norm)
    if len(parts) > 1 or parts[0].affine is None:
        return f"its norm: {parts[0].remains or 'has an activation of its own'}"
    from fpngraph.inference.absorbing import absorb

    absorb(conv, *parts[0].affine)
    return ""
