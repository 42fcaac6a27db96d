"""Spatial pyramid pooling that keeps the size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from fpngraph.feature import Feature
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Layer, Site
from fpngraph.ops.plain import Plain
from fpngraph.ops.reading import wrong
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class Spp(Plain, Layer):
    """The map and its maxima in windows of 5, 9 and 13 pixels around each pixel, along the channels.

    Spatial pyramid pooling (arXiv:1406.4729) as YOLO's detectors have it, without their convolutions. One pooling after
    the other, which gives the same as windows of several sizes. A 1x1 convolution mostly follows.
    """

    name: ClassVar[str] = "spp"
    modules = ("fpngraph.layers.spp.Spp",)
    layout = "any"

    kernel: int = Field(default=5, ge=1, le=99, description="Side of the smallest window in pixels, an odd number.")
    times: int = Field(default=3, ge=1, le=10, description="How many windows, each kernel - 1 wider than the last.")

    @field_validator("kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise wrong("an odd number, so that windows have a middle")
        return kernel

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        return inputs[0]._replace(channels=(self.times + 1) * inputs[0].channels)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new", commutes="non_negative"),)
