"""Recipes of initial weights. Each looks at one module at a time, and only at its class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from fpngraph.ops.base import Init
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class Effdet(Init):
    """As effdet 0.4.1 starts its necks, after TensorFlow's EfficientDet: Glorot uniform, biases 0, norms 1 and 0.

    A convolution's fans are those of one of its groups, so that the two of a separable one need no rule of their own.
    """

    name: ClassVar[str] = "effdet"

    def apply(self, module: nn.Module) -> None:
        from torch import nn

        if isinstance(module, nn.Conv2d):
            fan_in, fan_out = _fans(module)
            limit = math.sqrt(6 / (fan_in + fan_out))
            nn.init.uniform_(module.weight, -limit, limit)
        _reset(module)


@register
class EffdetAlt(Init):
    """As effdet 0.4.1 with ``alternate_init``: normal with variance 2 / fan_out, as in EfficientNet; biases 0."""

    name: ClassVar[str] = "effdet_alt"

    def apply(self, module: nn.Module) -> None:
        from torch import nn

        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=math.sqrt(2 / _fans(module)[1]))
        _reset(module)


@register
class Torchvision(Init):
    """As torchvision's FeaturePyramidNetwork and LastLevelP6P7: uniform, variance 1 / fan_in; biases 0."""

    name: ClassVar[str] = "torchvision"

    def apply(self, module: nn.Module) -> None:
        from torch import nn

        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight, a=1)
        _reset(module)


def _fans(conv: nn.Conv2d) -> tuple[int, int]:
    """Weights per pixel and group, in and out."""
    out_channels, fan_in, height, width = conv.weight.shape
    return fan_in * height * width, out_channels * height * width // conv.groups


def _reset(module: nn.Module) -> None:
    """Biases of convolutions and norms to 0, scales of norms to 1."""
    from torch import nn

    norms = (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)
    if isinstance(module, norms):
        nn.init.ones_(module.weight)
    if isinstance(module, (nn.Conv2d, *norms)) and module.bias is not None:
        nn.init.zeros_(module.bias)
