"""Recipes of initial weights. Each looks at one module at a time, and only at its class."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from fpngraph.ops.base import Init
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


class _Recipe(Init):
    """Weights of convolutions as a rule says; biases 0, scales of norms 1."""

    sets_all = True

    def apply(self, module: nn.Module) -> None:
        from torch import nn

        if isinstance(module, nn.Conv2d):
            self.draw(module)
        elif isinstance(module, (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)):
            nn.init.ones_(module.weight)
        else:
            return
        if module.bias is not None:
            nn.init.zeros_(module.bias)

    @abstractmethod
    def draw(self, conv: nn.Conv2d) -> None:
        """Give a convolution all its weights."""


@register
class Effdet(_Recipe):
    """As effdet 0.4.1 starts its necks, after TensorFlow's EfficientDet: Glorot uniform, biases 0, norms 1 and 0.

    A convolution's fans are those of one of its groups, so that the two of a separable one need no rule of their own.
    """

    name: ClassVar[str] = "effdet"

    def draw(self, conv: nn.Conv2d) -> None:
        from torch import nn

        limit = math.sqrt(6 / sum(_fans(conv)))
        nn.init.uniform_(conv.weight, -limit, limit)


@register
class EffdetAlt(_Recipe):
    """As effdet 0.4.1 with ``alternate_init``: normal with variance 2 / fan_out, as in EfficientNet; biases 0."""

    name: ClassVar[str] = "effdet_alt"

    def draw(self, conv: nn.Conv2d) -> None:
        from torch import nn

        nn.init.normal_(conv.weight, std=math.sqrt(2 / _fans(conv)[1]))


@register
class Torchvision(_Recipe):
    """As torchvision's FeaturePyramidNetwork and LastLevelP6P7: uniform, variance 1 / fan_in; biases 0."""

    name: ClassVar[str] = "torchvision"

    def draw(self, conv: nn.Conv2d) -> None:
        from torch import nn

        nn.init.kaiming_uniform_(conv.weight, a=1)


def _fans(conv: nn.Conv2d) -> tuple[int, int]:
    """Weights per pixel and group, in and out."""
    out_channels, fan_in, height, width = conv.weight.shape
    return fan_in * height * width, out_channels * height * width // conv.groups
