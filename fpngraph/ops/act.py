"""Activations, by timm's names. None of them writes to its input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, NonNegativeFloat

from fpngraph.feature import Feature
from fpngraph.ops.base import Activation, Part, Site, register

if TYPE_CHECKING:
    from torch import nn


class _Plain(Activation):
    """An activation without settings: ``torch_name`` is the class of torch.nn."""

    torch_name: ClassVar[str]
    layout = "any"
    in_place: ClassVar[bool] = True
    """Whether torch's class takes ``inplace``."""
    commutes: ClassVar[Literal["never", "non_negative"]] = "never"

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from torch import nn

        module: nn.Module = getattr(nn, self.torch_name)()
        return module

    def parts(self, module: nn.Module) -> Sequence[Part]:
        from torch import nn

        kind = getattr(nn, self.torch_name)
        if type(module) is not kind:
            return super().parts(module)
        return (_part(module, kind(inplace=True) if self.in_place else None, self.commutes),)


def _part(module: nn.Module, writing: nn.Module | None, commutes: Literal["never", "non_negative"] = "never") -> Part:
    from fpngraph.layers.inference import InPlace

    in_place = None if writing is None else InPlace(module, writing)
    return Part(module, "new", writing=in_place, commutes=commutes)


@register
class Relu(_Plain):
    """``max(x, 0)`` (Nair and Hinton, ICML 2010)."""

    name: ClassVar[str] = "relu"
    torch_name: ClassVar[str] = "ReLU"
    commutes = "non_negative"


@register
class Relu6(_Plain):
    """``min(max(x, 0), 6)`` (MobileNets, arXiv:1704.04861)."""

    name: ClassVar[str] = "relu6"
    torch_name: ClassVar[str] = "ReLU6"


@register
class Silu(_Plain):
    """``x * sigmoid(x)`` (arXiv:1702.03118)."""

    name: ClassVar[str] = "silu"
    torch_name: ClassVar[str] = "SiLU"


@register
class Swish(_Plain):
    """``x * sigmoid(x)``, the name that EfficientNet gives to silu (arXiv:1710.05941)."""

    name: ClassVar[str] = "swish"
    torch_name: ClassVar[str] = "SiLU"


@register
class HardSwish(_Plain):
    """``x * min(max(x + 3, 0), 6) / 6`` (MobileNetV3, arXiv:1905.02244 Sec. 5.2)."""

    name: ClassVar[str] = "hard_swish"
    torch_name: ClassVar[str] = "Hardswish"


@register
class Mish(_Plain):
    """``x * tanh(log(1 + exp(x)))`` (arXiv:1908.08681)."""

    name: ClassVar[str] = "mish"
    torch_name: ClassVar[str] = "Mish"


@register
class Gelu(_Plain):
    """``x * Phi(x)`` with the exact normal distribution function (arXiv:1606.08415)."""

    name: ClassVar[str] = "gelu"
    torch_name: ClassVar[str] = "GELU"
    in_place = False


@register
class Sigmoid(_Plain):
    """``1 / (1 + exp(-x))``, the logistic function, by torch's conventions."""

    name: ClassVar[str] = "sigmoid"
    torch_name: ClassVar[str] = "Sigmoid"
    in_place = False


@register
class HardSigmoid(_Plain):
    """``min(max(x + 3, 0), 6) / 6`` (MobileNetV3, arXiv:1905.02244 Sec. 5.2)."""

    name: ClassVar[str] = "hard_sigmoid"
    torch_name: ClassVar[str] = "Hardsigmoid"


@register
class Tanh(_Plain):
    """The hyperbolic tangent (LeCun et al., Efficient BackProp, 1998, Sec. 4.4)."""

    name: ClassVar[str] = "tanh"
    torch_name: ClassVar[str] = "Tanh"
    in_place = False


@register
class LeakyRelu(Activation):
    """``x`` where positive, ``slope * x`` elsewhere (Maas et al., ICML 2013)."""

    name: ClassVar[str] = "leaky_relu"
    layout = "any"

    slope: NonNegativeFloat = Field(default=0.01, description="Factor of negative values.", allow_inf_nan=False)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from torch import nn

        return nn.LeakyReLU(self.slope)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        from torch import nn

        if type(module) is not nn.LeakyReLU:
            return super().parts(module)
        return (_part(module, nn.LeakyReLU(module.negative_slope, inplace=True), "non_negative"),)


@register
class Elu(Activation):
    """``x`` where positive, ``alpha * (exp(x) - 1)`` elsewhere (arXiv:1511.07289)."""

    name: ClassVar[str] = "elu"
    layout = "any"

    alpha: NonNegativeFloat = Field(default=1.0, description="Minus the lowest value.", allow_inf_nan=False)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from torch import nn

        return nn.ELU(self.alpha)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        from torch import nn

        if type(module) is not nn.ELU:
            return super().parts(module)
        return (_part(module, nn.ELU(module.alpha, inplace=True)),)
