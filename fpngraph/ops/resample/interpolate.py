"""Interpolation straight to another level's size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from fpngraph.feature import Feature
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Down, Free, Resampler, Site, Up
from fpngraph.ops.plain import made_of
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


class _Interpolation(Free, Resampler):
    name: ClassVar[Literal["nearest", "bilinear"]]
    modules = ("fpngraph.layers.resample.interpolate.Interpolate",)
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return made_of(self, self.name, align_corners=self.aligns())

    def aligns(self) -> bool:
        """Whether the middles of corner pixels stay where they are."""
        return False

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new_or_input", commutes="always"),)


@register
class NearestDown(_Interpolation, Down):
    """The nearest pixel, straight to the level's size (torch's ``nearest``, which rounds down)."""

    name = "nearest"


@register
class BilinearDown(_Interpolation, Down):
    """Bilinear interpolation, straight to the level's size, corners not aligned, as in effdet's bilinear necks."""

    name = "bilinear"


@register
class NearestUp(_Interpolation, Up):
    """The nearest pixel, straight to the level's size, as in arXiv:1612.03144 Sec. 3."""

    name = "nearest"


@register
class BilinearUp(_Interpolation, Up):
    """Bilinear interpolation, straight to the level's size, corners not aligned, as in effdet's bilinear necks.

    Aligned corners are those of DeepLabV3+ (arXiv:1802.02611).
    """

    name = "bilinear"

    align_corners: bool = Field(
        default=False, description="Whether the middles of corner pixels meet, as in torch, or their outer corners."
    )

    def aligns(self) -> bool:
        return self.align_corners
