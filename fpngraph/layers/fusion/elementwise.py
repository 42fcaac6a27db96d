"""Sum, mean, maximum and product of maps."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Sum(nn.Module):
    """``sum(x_i)``."""

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        return _sum(maps)[0]


class Mean(nn.Module):
    """``sum(x_i) / n``."""

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        total, count = _sum(maps)
        return total if count == 1 else total.div_(count)


class Max(nn.Module):
    """The largest of ``x_i``, pixel by pixel; equal ones share the gradient."""

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        rest = iter(maps)
        largest = next(rest)
        for x in rest:
            largest = torch.maximum(largest, x)
        return largest


class Product(nn.Module):
    """The product of ``x_i``, pixel by pixel."""

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        rest = iter(maps)
        product = next(rest)
        for x in rest:
            product = product * x
        return product


def _sum(maps: Iterable[Tensor]) -> tuple[Tensor, int]:
    """The sum of the maps, and how many there were."""
    rest = iter(maps)
    total, count = next(rest), 1
    for x in rest:
        total = total.add_(x) if count > 1 and total.dtype == x.dtype else total + x
        count += 1
    return total, count
