"""Fusions with one learned weight per map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, NonNegativeFloat

from fpngraph.feature import Feature, Size
from fpngraph.ops.base import Cost, Fusion, Site
from fpngraph.ops.plain import made_of, settings
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


class _Weighted(Fusion):
    """One learned weight per map, all 1 at start."""

    weighted: ClassVar[bool] = True

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        return Cost(len(inputs), 0)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return made_of(self, len(inputs), *settings(self))

    def factors(self, module: nn.Module, count: int) -> Sequence[float] | None:
        from fpngraph.layers.fusion.weighted import Weighted

        assert isinstance(module, Weighted)
        factors: list[float] = module.double().factors().tolist()
        return factors


@register
class Unbounded(_Weighted):
    """The sum of the maps times learned weights without a bound (EfficientDet, arXiv:1911.09070 Sec. 3.3)."""

    name: ClassVar[str] = "unbounded"
    modules = ("fpngraph.layers.fusion.weighted.Unbounded",)
    layout = "any"


@register
class Softmax(_Weighted):
    """The mean of the maps by the softmax of learned weights (EfficientDet, arXiv:1911.09070 Sec. 3.3)."""

    name: ClassVar[str] = "softmax"
    modules = ("fpngraph.layers.fusion.weighted.Softmax",)
    layout = "any"


@register
class FastNormalized(_Weighted):
    """The mean of the maps by learned weights, negative ones as 0 (EfficientDet, arXiv:1911.09070 Sec. 3.3)."""

    name: ClassVar[str] = "fast_normalized"
    modules = ("fpngraph.layers.fusion.weighted.FastNormalized",)
    layout = "any"

    eps: NonNegativeFloat = Field(
        default=1e-4, description="Added to the sum of the weights before dividing by it.", allow_inf_nan=False
    )
