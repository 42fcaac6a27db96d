"""Pooling of windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.feature import PaddingRule
from fpngraph.layers.padding import before, fits, pad, steps
from fpngraph.layers.resample.interpolate import has_size
from fpngraph.layers.tracing import is_traced, known


class _Pool(nn.Module):
    """Pools to ceil(n / stride) pixels of n. A map that has the size wanted comes back as it is.

    The input is copied to pad it only where torch's own padding cannot give the same.
    """

    filler: ClassVar[float]

    def __init__(self, kernel: int, stride: int, padding: PaddingRule) -> None:
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, padding

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        if has_size(x, size):
            return x
        height, width = x.shape[-2:]
        starts = (self._before(height), self._before(width))
        for ceil_mode in self._modes():
            if self._fits(height, starts[0], ceil_mode) and self._fits(width, starts[1], ceil_mode):
                return self._pool(x, starts, ceil_mode)
        return self._padded(x, starts)

    def _padded(self, x: Tensor, starts: tuple[int, int]) -> Tensor:
        return self._pool(pad(x, self.kernel, starts, self.filler), (0, 0), False)

    def _before(self, n: int) -> int:
        return before(n, self.kernel, self.stride, self.padding)

    def _fits(self, n: int, start: int, ceil_mode: bool) -> bool:
        """Whether torch's pooling, padded by ``start`` on both ends, has a window for each pixel that comes out."""
        if not ceil_mode:
            return fits(n, start, self.kernel, self.stride)
        if not known(n):  # torch itself compares sizes for ceil_mode, which binds a trace to those it has seen
            return False
        last = (n + 2 * start - self.kernel + self.stride - 1) // self.stride
        dropped = last * self.stride >= n + start  # it would start in the padding after the map
        return last + 1 - dropped == steps(n, self.stride)

    def _modes(self) -> tuple[bool, ...]:
        """The values of torch's ``ceil_mode`` that may be used."""
        return (False, True)

    def _pool(self, x: Tensor, starts: tuple[int, int], ceil_mode: bool) -> Tensor:
        raise NotImplementedError

    def extra_repr(self) -> str:
        return f"kernel={self.kernel}, stride={self.stride}, padding={self.padding}"


class MaxPool(_Pool):
    """Maximum over each window; padding never wins.

    Shape: [B, C, H, W] to [B, C, ceil(H / stride), ceil(W / stride)].
    """

    filler = float("-inf")

    def _pool(self, x: Tensor, starts: tuple[int, int], ceil_mode: bool) -> Tensor:
        return F.max_pool2d(x, self.kernel, self.stride, starts, ceil_mode=ceil_mode)


class AvgPool(_Pool):
    """Sum over each window divided by kernel^2: padding counts, as zeros.

    With the padding ``after``, which only a window at the end has, the mean of the pixels that there are.

    Shape: [B, C, H, W] to [B, C, ceil(H / stride), ceil(W / stride)].
    """

    filler = 0.0

    def _modes(self) -> tuple[bool, ...]:
        # A divisor of one's own is not in ONNX; exporters drop it without a word.
        return (False,) if is_traced() else (False, True)

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        y = super().forward(x, size)
        same: object = x.shape[-2] == size[0]
        if not isinstance(same, Tensor):
            return y
        # torch.jit.trace has sizes as tensors: that a map of one pixel stays as it is, is decided when the trace runs
        stays = same & cast(Tensor, x.shape[-1] == size[1])
        return torch.where(stays, x[..., :: self.stride, :: self.stride], y)

    def _padded(self, x: Tensor, starts: tuple[int, int]) -> Tensor:
        y = super()._padded(x, starts)
        return y / super()._padded(torch.ones_like(x[:1, :1]), starts) if self.padding == "after" else y

    def _pool(self, x: Tensor, starts: tuple[int, int], ceil_mode: bool) -> Tensor:
        # ceil_mode alone divides by the pixels within the padding
        divisor = self.kernel**2 if ceil_mode and self.padding != "after" else None
        return F.avg_pool2d(x, self.kernel, self.stride, starts, ceil_mode=ceil_mode, divisor_override=divisor)
