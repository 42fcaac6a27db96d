"""Normalisations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveFloat, PositiveInt

from fpngraph.feature import Feature, Size
from fpngraph.ops.base import Cost, Mismatch, Norm, Part, Site, register

if TYPE_CHECKING:
    from torch import nn


class _Norm(Norm):
    """A normalisation with a learned scale and shift per channel."""

    eps: PositiveFloat = Field(
        default=1e-5, description="Added to the variance before its root is taken.", allow_inf_nan=False
    )

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        return Cost(2 * inputs[0].channels, 0)


@register
class BatchNorm(_Norm):
    """Batch normalisation over images and pixels (arXiv:1502.03167), in torch's conventions."""

    name: ClassVar[str] = "batch_norm"
    layout = "any"

    momentum: float = Field(
        default=0.1, ge=0, le=1, description="Share of a new batch in the running statistics (1 minus TensorFlow's)."
    )

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from torch import nn

        return nn.BatchNorm2d(inputs[0].channels, eps=self.eps, momentum=self.momentum)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        from torch import nn

        if type(module) is not nn.BatchNorm2d or module.running_mean is None or module.running_var is None:
            return super().parts(module)
        scale = module.weight.double() / (module.running_var.double() + module.eps).sqrt()
        shift = module.bias.double() - module.running_mean.double() * scale
        return (Part(module, "new", affine=(scale, shift), absorbs=True),)


@register
class GroupNorm(_Norm):
    """Normalisation over the pixels of a group of channels, image by image (arXiv:1803.08494)."""

    name: ClassVar[str] = "group_norm"
    layout = "any"

    groups: PositiveInt = Field(default=32, description="Groups of channels; must divide the channels.")

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        channels = inputs[0].channels
        if channels % self.groups:
            small = range(1, min(channels, 10_000) + 1)  # whatever number of channels a file says
            divisors = [groups for groups in small if channels % groups == 0]
            near = sorted(sorted(divisors, key=lambda groups: abs(groups - self.groups))[:4])
            raise Mismatch(
                f"has {self.groups} groups, which do not divide the {channels} channels",
                f"divisors of {channels} near {self.groups} are {', '.join(map(str, near))}",
            )
        return inputs[0]

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from torch import nn

        return nn.GroupNorm(self.groups, inputs[0].channels, eps=self.eps)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        from torch import nn

        if type(module) is not nn.GroupNorm:
            return super().parts(module)
        return (Part(module, "new", absorbs=True),)


@register
class LayerNorm(_Norm):
    """Normalisation over the channels of each pixel (arXiv:1607.06450), as vision transformers have it."""

    name: ClassVar[str] = "layer_norm"
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from timm.layers.norm import LayerNorm2d

        return LayerNorm2d(inputs[0].channels, eps=self.eps)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        from timm.layers.norm import LayerNorm2d

        if type(module) is not LayerNorm2d:
            return super().parts(module)
        return (Part(module, "new", absorbs=True),)
