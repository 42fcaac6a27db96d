"""Activations, by timm's names. None of them writes to its input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, NonNegativeFloat

from fpngraph.inference.parts import Part
from fpngraph.ops.base import Activation
from fpngraph.ops.plain import Plain
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


class _Activation(Plain, Activation):
    """An activation whose module has the class of the one name in ``modules``."""

    layout = "any"
    commutes: ClassVar[Literal["never", "non_negative"]] = "never"

    def parts(self, module: nn.Module) -> Sequence[Part]:
        from fpngraph.inference.modules import InPlace
        from fpngraph.layers.act import Activation as Module

        writing = InPlace(module) if isinstance(module, Module) else None
        return (Part(module, "new", writing=writing, commutes=self.commutes),)


@register
class Relu(_Activation):
    """``max(x, 0)`` (Nair and Hinton, ICML 2010)."""

    name: ClassVar[str] = "relu"
    modules = ("fpngraph.layers.act.ReLU",)
    commutes = "non_negative"


@register
class Relu6(_Activation):
    """``min(max(x, 0), 6)`` (MobileNets, arXiv:1704.04861)."""

    name: ClassVar[str] = "relu6"
    modules = ("fpngraph.layers.act.ReLU6",)


@register
class Silu(_Activation):
    """``x * sigmoid(x)`` (arXiv:1702.03118)."""

    name: ClassVar[str] = "silu"
    modules = ("fpngraph.layers.act.SiLU",)


@register
class Swish(_Activation):
    """``x * sigmoid(x)``, the name that EfficientNet gives to silu (arXiv:1710.05941)."""

    name: ClassVar[str] = "swish"
    modules = ("fpngraph.layers.act.SiLU",)


@register
class HardSwish(_Activation):
    """``x * min(max(x + 3, 0), 6) / 6`` (MobileNetV3, arXiv:1905.02244 Sec. 5.2)."""

    name: ClassVar[str] = "hard_swish"
    modules = ("fpngraph.layers.act.Hardswish",)


@register
class Mish(_Activation):
    """``x * tanh(log(1 + exp(x)))`` (arXiv:1908.08681)."""

    name: ClassVar[str] = "mish"
    modules = ("fpngraph.layers.act.Mish",)


@register
class Gelu(_Activation):
    """``x * Phi(x)`` with the exact normal distribution function (arXiv:1606.08415)."""

    name: ClassVar[str] = "gelu"
    modules = ("torch.nn.GELU",)


@register
class Sigmoid(_Activation):
    """``1 / (1 + exp(-x))``, the logistic function, by torch's conventions."""

    name: ClassVar[str] = "sigmoid"
    modules = ("torch.nn.Sigmoid",)


@register
class HardSigmoid(_Activation):
    """``min(max(x + 3, 0), 6) / 6`` (MobileNetV3, arXiv:1905.02244 Sec. 5.2)."""

    name: ClassVar[str] = "hard_sigmoid"
    modules = ("fpngraph.layers.act.Hardsigmoid",)


@register
class Tanh(_Activation):
    """The hyperbolic tangent (LeCun et al., Efficient BackProp, 1998, Sec. 4.4)."""

    name: ClassVar[str] = "tanh"
    modules = ("torch.nn.Tanh",)


@register
class LeakyRelu(_Activation):
    """``x`` where positive, ``slope * x`` elsewhere (Maas et al., ICML 2013)."""

    name: ClassVar[str] = "leaky_relu"
    modules = ("fpngraph.layers.act.LeakyReLU",)
    commutes = "non_negative"

    slope: NonNegativeFloat = Field(default=0.01, description="Factor of negative values.", allow_inf_nan=False)


@register
class Elu(_Activation):
    """``x`` where positive, ``alpha * (exp(x) - 1)`` elsewhere (arXiv:1511.07289)."""

    name: ClassVar[str] = "elu"
    modules = ("fpngraph.layers.act.ELU",)

    alpha: NonNegativeFloat = Field(default=1.0, description="Minus the lowest value.", allow_inf_nan=False)
