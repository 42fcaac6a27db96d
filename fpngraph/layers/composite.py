"""Layers that hold layers. Each is a list of modules by names, and gives its layers maps as they take them.

Shape: [B, C, H, W] to [B, C', H, W]; the size stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from fpngraph.layers.layout import Layers
from fpngraph.layers.named import Named


class Residual(Layers):
    """``x + f(x)``, where f are its layers (ResNet, arXiv:1512.03385 Sec. 3.1)."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class SumOfBranches(Named):
    """``f(x) + g(x) + ...``, where each of its lists of layers is one of these; the list of none is the map itself."""

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self
        total: Tensor = first(x)
        for branch in others:
            total = total + branch(x)
        return total


class ConcatOfBranches(Named):
    """``f(x), g(x), ...`` one after the other along the channels, where each of its lists of layers is one of these."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self], dim=1)


class Runs(Named):
    """Its lists of layers one after the other, the first one on the channels from ``start`` on.

    With ``joins`` it gives the whole map and what each list gives, along the channels; with ``reverse`` the last first.
    """

    def __init__(
        self,
        runs: Mapping[str, nn.Module] | Iterable[nn.Module] = (),
        *,
        joins: bool = False,
        reverse: bool = False,
        start: int = 0,
    ) -> None:
        super().__init__(runs)
        self.joins, self.reverse, self.start = joins, reverse, start

    def forward(self, x: Tensor) -> Tensor:
        maps, y = [x], x[:, self.start :]
        for run in self:
            y = run(y)
            maps.append(y)
        if not self.joins:
            return y
        return torch.cat(maps[::-1] if self.reverse else maps, dim=1)

    def extra_repr(self) -> str:
        return f"joins={self.joins}, reverse={self.reverse}, start={self.start}"


class Slice(nn.Module):
    """Some of the channels: ``count`` of them from ``start`` on. A view of the map, not a copy."""

    def __init__(self, start: int, count: int) -> None:
        super().__init__()
        self.start, self.count = start, count

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(1, self.start, self.count)

    def extra_repr(self) -> str:
        return f"{self.start}, {self.count}"
