"""Pooling straight to a size, whatever the windows have to be."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.layers.resample.interpolate import has_size
from fpngraph.layers.tracing import known


def windows(n: int, wanted: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """For each of ``wanted`` windows over ``n`` pixels the pixels in it, and which of them count: [wanted, longest].

    Window i has the pixels from floor(i * n / wanted) to ceil((i + 1) * n / wanted), as torch has it. A window that is
    shorter than the longest has its last pixel again, which does not count.
    """
    window = torch.arange(wanted, device=like.device)
    first, end = window * n // wanted, ((window + 1) * n - 1) // wanted + 1
    place = first[:, None] + torch.arange((n - 1) // wanted + 2, device=like.device)
    last = (end - 1)[:, None]
    return torch.minimum(place, last), place <= last


class _Adaptive(nn.Module):
    """Pools windows that cover the map evenly; they overlap where the sides are no multiples of those wanted.

    Sizes that may change in a traced program are pooled by an index of the pixels, along one axis after the other,
    since torch's own operators hold them as numbers. A map that has the size wanted comes back as it is.
    """

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        if has_size(x, size):
            return x
        if all(known(n) for n in (*x.shape[-2:], *size)):
            return self._pool(x, (size[0], size[1]))
        return self._along(self._along(x, 2, size[0]), 3, size[1])

    def _along(self, x: Tensor, axis: int, wanted: int) -> Tensor:
        pixels, counts = windows(x.shape[axis], wanted, x)
        found = x.index_select(axis, pixels.flatten())
        shape = [*x.shape[:axis], wanted, pixels.shape[1], *x.shape[axis + 1 :]]
        return self._reduced(found.reshape(shape), counts.view(*counts.shape, *[1] * (3 - axis)), axis + 1)

    def _pool(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        raise NotImplementedError

    def _reduced(self, x: Tensor, counts: Tensor, axis: int) -> Tensor:
        raise NotImplementedError


class AdaptiveMaxPool(_Adaptive):
    """The largest value of each window, as ``torch.nn.AdaptiveMaxPool2d`` has it.

    Shape: [B, C, H, W] to [B, C, size[0], size[1]].
    """

    def _pool(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        y: Tensor = F.adaptive_max_pool2d(x, size)
        return y

    def _reduced(self, x: Tensor, counts: Tensor, axis: int) -> Tensor:
        return x.amax(axis)


class AdaptiveAvgPool(_Adaptive):
    """The mean of each window, as ``torch.nn.AdaptiveAvgPool2d`` has it.

    Shape: [B, C, H, W] to [B, C, size[0], size[1]].
    """

    def _pool(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        return F.adaptive_avg_pool2d(x, size)

    def _reduced(self, x: Tensor, counts: Tensor, axis: int) -> Tensor:
        counted = counts.to(x.dtype)
        return (x * counted).sum(axis) / counted.sum(1)
