"""Operators that join the maps of a node's edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, NonNegativeFloat

from fpngraph.feature import Feature, Size
from fpngraph.ops.base import Cost, Free, Fusion, Site
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class Sum(Free, Fusion):
    """The sum of the maps, as in arXiv:1612.03144 Sec. 3."""

    name: ClassVar[str] = "sum"
    modules = ("fpngraph.layers.fusion.Sum",)
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers import fusion

        return fusion.Sum()

    def factors(self, module: nn.Module, count: int) -> Sequence[float] | None:
        return (1.0,) * count


@register
class Mean(Free, Fusion):
    """The mean of the maps, as in arXiv:1904.02701 Sec. 3.2."""

    name: ClassVar[str] = "mean"
    modules = ("fpngraph.layers.fusion.Mean",)
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers import fusion

        return fusion.Mean()

    def factors(self, module: nn.Module, count: int) -> Sequence[float] | None:
        return (1 / count,) * count


@register
class Max(Free, Fusion):
    """The largest of the maps at each pixel, as in arXiv:1803.01534 Sec. 3.2."""

    name: ClassVar[str] = "max"
    modules = ("fpngraph.layers.fusion.Max",)
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers import fusion

        return fusion.Max()


class _Weighted(Fusion):
    """One learned weight per map, all 1 at start."""

    weighted: ClassVar[bool] = True

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        return Cost(len(inputs), 0)

    def factors(self, module: nn.Module, count: int) -> Sequence[float] | None:
        from fpngraph.layers.fusion import Weighted

        assert isinstance(module, Weighted)
        factors: list[float] = module.double().factors().tolist()
        return factors


@register
class Unbounded(_Weighted):
    """The sum of the maps times learned weights without a bound (EfficientDet, arXiv:1911.09070 Sec. 3.3)."""

    name: ClassVar[str] = "unbounded"
    modules = ("fpngraph.layers.fusion.Unbounded",)
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers import fusion

        return fusion.Unbounded(len(inputs))


@register
class Softmax(_Weighted):
    """The mean of the maps by the softmax of learned weights (EfficientDet, arXiv:1911.09070 Sec. 3.3)."""

    name: ClassVar[str] = "softmax"
    modules = ("fpngraph.layers.fusion.Softmax",)
    layout = "any"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers import fusion

        return fusion.Softmax(len(inputs))


@register
class FastNormalized(_Weighted):
    """The mean of the maps by learned weights, negative ones as 0 (EfficientDet, arXiv:1911.09070 Sec. 3.3)."""

    name: ClassVar[str] = "fast_normalized"
    modules = ("fpngraph.layers.fusion.FastNormalized",)
    layout = "any"

    eps: NonNegativeFloat = Field(
        default=1e-4, description="Added to the sum of the weights before dividing by it.", allow_inf_nan=False
    )

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers import fusion

        return fusion.FastNormalized(len(inputs), self.eps)


@register
class Concat(Free, Fusion):
    """All channels of all maps in the order of the edges, as in arXiv:1505.04597 Sec. 2."""

    name: ClassVar[str] = "concat"
    modules = ("fpngraph.layers.fusion.Concat",)
    layout = "any"
    equal_channels: ClassVar[bool] = False

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        return inputs[0]._replace(channels=sum(feature.channels for feature in inputs))

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers import fusion

        return fusion.Concat()


@register
class GlobalGate(Free, Fusion):
    """``g + sigmoid(pool(g)) * x``: one of two maps, ``g``, weighs the channels of the other (arXiv:1904.07392).

    mmdet's NAS-FPN has the second as ``g`` and averages; TensorFlow's has the first, the coarser one, and the maximum.
    """

    name: ClassVar[str] = "global_gate"
    modules = ("fpngraph.layers.fusion.GlobalGate",)
    layout = "any"
    takes: ClassVar[int | None] = 2
    badge: ClassVar[str] = "gate"

    gate: Literal["first", "second"] = Field(default="first", description="Which of the two maps is g.")
    pool: Literal["avg", "max"] = Field(default="max", description="The mean or the maximum of each channel of g.")

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers import fusion

        return fusion.GlobalGate(self.gate, self.pool)
