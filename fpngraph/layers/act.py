"""Activations that torch's classes have ``inplace`` for.

Hosts set ``inplace`` on every module that has it, and a node may be given a map that others still read: none of these
has such an attribute. What may write into its map says so by calling ``write``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional as F


class Activation(nn.Module):
    """``function`` of every value of a map, with ``settings`` of its own. Never writes to the map when called."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, **settings: float) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, x: Tensor) -> Tensor:
        return type(self).function(x, **self.settings)

    def write(self, x: Tensor) -> Tensor:
        """The same, written into ``x``."""
        return type(self).function(x, inplace=True, **self.settings)

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.settings.items())


def _of(function: Callable[..., Tensor]) -> Any:
    """``function`` as an attribute of a class, which is no method of it."""
    return staticmethod(function)


class ReLU(Activation):
    """``max(x, 0)``."""

    function = _of(F.relu)


class ReLU6(Activation):
    """``min(max(x, 0), 6)``."""

    function = _of(F.relu6)


class SiLU(Activation):
    """``x * sigmoid(x)``."""

    function = _of(F.silu)


class Hardswish(Activation):
    """``x * min(max(x + 3, 0), 6) / 6``."""

    function = _of(F.hardswish)


class Hardsigmoid(Activation):
    """``min(max(x + 3, 0), 6) / 6``."""

    function = _of(F.hardsigmoid)


class Mish(Activation):
    """``x * tanh(log(1 + exp(x)))``."""

    function = _of(F.mish)


class LeakyReLU(Activation):
    """``x`` where positive, ``negative_slope * x`` elsewhere."""

    function = _of(F.leaky_relu)

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__(negative_slope=negative_slope)


class ELU(Activation):
    """``x`` where positive, ``alpha * (exp(x) - 1)`` elsewhere."""

    function = _of(F.elu)

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha=alpha)
