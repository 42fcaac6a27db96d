"""One map weighs another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from torch import Tensor, nn


class GlobalGate(nn.Module):
    """``g + sigmoid(pool(g)) * x`` of two maps, of which ``gate`` says which is g (NAS-FPN, arXiv:1904.07392 Sec. 3.1).

    ``pool`` is the mean or the maximum over the pixels of each channel; pixels of an equal maximum share the gradient.
    """

    def __init__(self, gate: Literal["first", "second"], pool: Literal["avg", "max"]) -> None:
        super().__init__()
        self.gate, self.pool = gate, pool

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        first, second = maps
        g, x = (first, second) if self.gate == "first" else (second, first)
        pooled = g.mean((2, 3), keepdim=True) if self.pool == "avg" else g.amax((2, 3), keepdim=True)
        return g + pooled.sigmoid() * x

    def extra_repr(self) -> str:
        return f"{self.gate}, {self.pool}"


class Inject(nn.Module):
    """``a * b + c`` of three maps (Gold-YOLO, arXiv:2309.11331 Sec. 3.3)."""

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        a, b, c = maps
        return a * b + c
