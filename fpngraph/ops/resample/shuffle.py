"""Pixels to channels, and channels to pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from fpngraph.feature import Feature
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Down, Mismatch, Site, Up
from fpngraph.ops.plain import Plain
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class PixelShuffle(Plain, Up):
    """A square of pixels for ``ratio^2`` channels each, which it thereby divides (arXiv:1609.05158 Sec. 3.2)."""

    name: ClassVar[str] = "pixel_shuffle"
    modules = ("fpngraph.layers.resample.shuffle.PixelShuffle",)
    layout = "any"

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        channels, square = inputs[0].channels, site.ratio**2
        if channels % square:
            raise Mismatch(
                f"takes {channels} channels, but needs a multiple of {square}, the square of the edge's ratio",
                "put a convolution with 'channels' before it",
            )
        return super().infer(inputs, site)._replace(channels=channels // square)

    def arguments(self, site: Site) -> Sequence[Any]:
        return (site.ratio,)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, commutes="always"),)


@register
class SpaceToDepth(Plain, Down):
    """Of a square of pixels ``ratio^2`` times the channels, in torch's order (SPD-Conv, arXiv:2208.03641 Sec. 3.1)."""

    name: ClassVar[str] = "space_to_depth"
    modules = ("fpngraph.layers.resample.shuffle.SpaceToDepth",)
    layout = "any"

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        return super().infer(inputs, site)._replace(channels=inputs[0].channels * site.ratio**2)

    def arguments(self, site: Site) -> Sequence[Any]:
        return (site.ratio,)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, commutes="always"),)
