"""Layers that leave out something by chance while training. In inference nothing is left of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from fpngraph.inference.parts import Part
from fpngraph.ops.base import Layer
from fpngraph.ops.plain import Plain
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


class _Drop(Plain, Layer):
    def parts(self, module: nn.Module) -> Sequence[Part]:
        return ()


@register
class Dropout(_Drop):
    """Each value 0 by chance while training, the others larger to make up for it (arXiv:1207.0580)."""

    name: ClassVar[str] = "dropout"
    modules = ("fpngraph.layers.drop.Dropout", "torch.nn.Dropout", "torch.nn.Dropout2d")
    layout = "any"

    p: float = Field(default=0.5, ge=0, lt=1, description="Probability of each value to be 0.")


@register
class DropPath(_Drop):
    """Stochastic depth, the last layer of a residual: its sum is the map alone for some images (arXiv:1603.09382)."""

    name: ClassVar[str] = "drop_path"
    modules = ("timm.layers.DropPath",)
    layout = "any"

    p: float = Field(default=0.1, ge=0, lt=1, description="Probability of each image to be left out.")
