"""Fusions that learn nothing and keep the channels: sum, mean, maximum, product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from fpngraph.ops.base import Fusion
from fpngraph.ops.plain import Plain
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class Sum(Plain, Fusion):
    """The sum of the maps, as in arXiv:1612.03144 Sec. 3."""

    name: ClassVar[str] = "sum"
    modules = ("fpngraph.layers.fusion.elementwise.Sum",)
    layout = "any"

    def factors(self, module: nn.Module, count: int) -> Sequence[float] | None:
        return (1.0,) * count


@register
class Mean(Plain, Fusion):
    """The mean of the maps, as in arXiv:1904.02701 Sec. 3.2."""

    name: ClassVar[str] = "mean"
    modules = ("fpngraph.layers.fusion.elementwise.Mean",)
    layout = "any"

    def factors(self, module: nn.Module, count: int) -> Sequence[float] | None:
        return (1 / count,) * count


@register
class Max(Plain, Fusion):
    """The largest of the maps at each pixel, as in arXiv:1803.01534 Sec. 3.2."""

    name: ClassVar[str] = "max"
    modules = ("fpngraph.layers.fusion.elementwise.Max",)
    layout = "any"


@register
class Product(Plain, Fusion):
    """The product of the maps at each pixel, as in the deconvolution module of DSSD (arXiv:1701.06659 Sec. 3.2)."""

    name: ClassVar[str] = "product"
    modules = ("fpngraph.layers.fusion.elementwise.Product",)
    layout = "any"
