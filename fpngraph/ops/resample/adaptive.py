"""Pooling straight to a coarser level's size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from fpngraph.inference.parts import Part
from fpngraph.ops.base import Down
from fpngraph.ops.plain import Plain
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class AdaptiveMaxPool(Plain, Down):
    """The maximum of windows that cover the map evenly, whatever its size is, as in Libra R-CNN (arXiv:1904.02701)."""

    name: ClassVar[str] = "adaptive_max_pool"
    modules = ("fpngraph.layers.resample.adaptive.AdaptiveMaxPool",)
    layout = "any"

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new_or_input", commutes="non_negative"),)


@register
class AdaptiveAvgPool(Plain, Down):
    """The mean of windows that cover the map evenly, whatever its size is, as in Gold-YOLO (arXiv:2309.11331)."""

    name: ClassVar[str] = "adaptive_avg_pool"
    modules = ("fpngraph.layers.resample.adaptive.AdaptiveAvgPool",)
    layout = "any"

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new_or_input", commutes="always"),)
