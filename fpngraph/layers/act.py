"""Activations that torch's classes have ``inplace`` for.

Hosts set ``inplace`` on every module that has it, and a node may be given a map that others still read: none of these
has such an attribute. What may write into its map says so by calling ``write``.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F


class Activation(nn.Module):
    """``function`` of every value of a map, with ``settings`` of its own. Never writes to the map when called."""

    function: ClassVar[staticmethod[..., Tensor]]

    def __init__(self, **settings: float) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, **self.settings)

    def write(self, x: Tensor) -> Tensor:
        """The same, written into ``x``."""
        return self.function(x, inplace=True, **self.settings)

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.settings.items())


class ReLU(Activation):
    """``max(x, 0)``."""

    function = staticmethod(F.relu)


class ReLU6(Activation):
    """``min(max(x, 0), 6)``."""

    function = staticmethod(F.relu6)


class SiLU(Activation):
    """``x * sigmoid(x)``."""

    function = staticmethod(F.silu)


class Hardswish(Activation):
    """``x * min(max(x + 3, 0), 6) / 6``."""

    function = staticmethod(F.hardswish)


class Hardsigmoid(Activation):
    """``min(max(x + 3, 0), 6) / 6``."""

    function = staticmethod(F.hardsigmoid)


class Mish(Activation):
    """``x * tanh(log(1 + exp(x)))``."""

    function = staticmethod(F.mish)


class LeakyReLU(Activation):
    """``x`` where positive, ``negative_slope * x`` elsewhere."""

    function = staticmethod(F.leaky_relu)

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__(negative_slope=negative_slope)


class ELU(Activation):
    """``x`` where positive, ``alpha * (exp(x) - 1)`` elsewhere."""

    function = staticmethod(F.elu)

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha=alpha)
