"""Normalisations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PositiveFloat, PositiveInt

from fpngraph.feature import Feature, Size
from fpngraph.inference.classes import is_one_of
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Cost, Layer, Mismatch, Norm, Site
from fpngraph.ops.plain import made_of
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


_WITH_MORE = tuple(f"timm.layers.{name}" for name in ("BatchNormAct2d", "SyncBatchNormAct", "FrozenBatchNormAct2d"))


class _Norm(Norm):
    """A normalisation with a learned scale and shift per channel."""

    eps: PositiveFloat = Field(
        default=1e-5, description="Added to the variance before its root is taken.", allow_inf_nan=False
    )

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        return Cost(2 * inputs[0].channels, 0)


class _BatchNorm(_Norm):
    modules = (
        "torch.nn.BatchNorm2d",
        "torch.nn.SyncBatchNorm",
        "fpngraph.layers.norm.KeptBatchNorm2d",
        "torchvision.ops.FrozenBatchNorm2d",
        *_WITH_MORE,
    )

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return batch_norm_parts(module)


@register
class BatchNorm(_BatchNorm):
    """Batch normalisation over images and pixels (arXiv:1502.03167), in torch's conventions."""

    name: ClassVar[str] = "batch_norm"
    layout = "any"

    momentum: float = Field(
        default=0.1, ge=0, le=1, description="Share of a new batch in the running statistics (1 minus TensorFlow's)."
    )

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from torch import nn

        from fpngraph.layers.unset import made

        return made(nn.BatchNorm2d, inputs[0].channels, eps=self.eps, momentum=self.momentum)


@register
class FrozenBatchNorm(_BatchNorm):
    """Batch normalisation with statistics, scale and shift that are not learned (ResNet, arXiv:1512.03385 App. A)."""

    name: ClassVar[str] = "frozen_batch_norm"
    layout = "any"

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        return Cost(0, 0)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from torchvision.ops import FrozenBatchNorm2d  # type: ignore[import-untyped]  # torchvision has no hints

        module: nn.Module = FrozenBatchNorm2d(inputs[0].channels, eps=self.eps)
        return module


def batch_norm_parts(module: nn.Module) -> Sequence[Part]:
    """What is known of a batch norm of any of the classes that are for one: a scale and a shift."""
    from torch import nn

    if module.running_mean is None or module.running_var is None:
        return (Part(module, remains="has no running statistics"),)
    own = _plain(module)
    scale = own.weight.double() / (own.get_buffer("running_var").double() + own.eps).sqrt()
    shift = own.bias.double() - own.get_buffer("running_mean").double() * scale
    # timm has norms with more inside; torch's, converted from these, hold it and do not call it
    names = ("drop", "act") if is_one_of(module, _WITH_MORE) else ()
    after = (getattr(module, name, None) for name in names)
    rest = [Part(it) for it in after if not isinstance(it, nn.Identity | None)]
    return Part(own, "new", affine=(scale, shift), absorbs=True), *rest


def _plain(norm: Any) -> nn.BatchNorm2d:
    """A plain batch norm with the values of any of them, and with ones and zeros where it has learned none."""
    import torch
    from torch import nn

    mean = norm.running_mean
    own = nn.BatchNorm2d(len(mean), norm.eps, device="meta").eval()
    weight = torch.ones_like(mean) if norm.weight is None else norm.weight
    bias = torch.zeros_like(mean) if norm.bias is None else norm.bias
    own.weight, own.bias = nn.Parameter(weight, requires_grad=False), nn.Parameter(bias, requires_grad=False)
    own.running_mean, own.running_var, own.num_batches_tracked = mean, norm.running_var, None
    return own


class _NormOfImages(_Norm):
    """One whose statistics are those of the map that it is given."""

    def parts(self, module: nn.Module) -> Sequence[Part]:
        learned = module.weight is not None
        return (Part(module, "new", absorbs=learned, remains="its statistics are those of each image"),)


@register
class GroupNorm(_NormOfImages):
    """Normalisation over the pixels of a group of channels, image by image (arXiv:1803.08494)."""

    name: ClassVar[str] = "group_norm"
    modules = ("torch.nn.GroupNorm",)
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

        from fpngraph.layers.unset import made

        return made(nn.GroupNorm, self.groups, inputs[0].channels, eps=self.eps)


@register
class LayerNorm(_NormOfImages):
    """Normalisation over the channels of each pixel (arXiv:1607.06450), as vision transformers have it."""

    name: ClassVar[str] = "layer_norm"
    modules = ("timm.layers.norm.LayerNorm2d",)
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return made_of(self, inputs[0].channels, eps=self.eps)


@register
class L2Norm(Layer):
    """``weight * x / (|x| + eps)``, the length of each pixel's channels (ParseNet, arXiv:1506.04579, as in SSD).

    A layer and no ``norm``: a bias in front of it is not lost.
    """

    name: ClassVar[str] = "l2_norm"
    modules = ("fpngraph.layers.norm.L2Norm",)
    layout = "any"

    scale: PositiveFloat = Field(default=20.0, description="What every weight is at the start.", allow_inf_nan=False)
    eps: PositiveFloat = Field(default=1e-10, description="Added to the length.", allow_inf_nan=False)

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        return Cost(inputs[0].channels, 0)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return made_of(self, inputs[0].channels, scale=self.scale, eps=self.eps)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new", remains="its lengths are those of each pixel"),)
