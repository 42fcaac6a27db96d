"""Modules of the inference form: they write into maps that nobody reads any more.

A map that gradients flow through is never written to, so that those of the inputs are right.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.feature import Size
from fpngraph.layers.layout import channels_last
from fpngraph.layers.node import Edge


class InPlace(nn.Module):
    """``writing``, which gives what ``plain`` does but writes it into its input."""

    def __init__(self, plain: nn.Module, writing: nn.Module) -> None:
        super().__init__()
        self.plain, self.writing = plain, writing

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.plain(x) if x.requires_grad else self.writing(x)
        return y


class Pointwise(nn.Module):
    """A 1x1 convolution as one matrix product over the pixels of ``channels_last`` maps, which is what it gives.

    A single contiguous map needs no copy: its transpose goes into the product.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or torch.compiler.is_compiling():
            return F.conv2d(x, self.weight, self.bias)
        batch, _, height, width = x.shape
        if batch == 1 and x.is_contiguous():
            pixels = x[0].flatten(1).t()
        else:
            pixels = channels_last(x).permute(0, 2, 3, 1).flatten(0, 2)
        weight = self.weight.flatten(1).t()
        y = pixels.mm(weight) if self.bias is None else torch.addmm(self.bias, pixels, weight)
        return y.view(batch, height, width, weight.shape[1]).permute(0, 3, 1, 2)

    def extra_repr(self) -> str:
        return f"{self.weight.shape[1]}, {self.weight.shape[0]}"


class Entry(nn.Module):
    """Takes a caller's map in: converted to ``dtype``, if one is given, and laid out as is fastest to compute with."""

    like: Tensor | None

    def __init__(self, dtype: torch.dtype | None) -> None:
        super().__init__()
        like = None if dtype is None else torch.empty(0, dtype=dtype)  # a buffer, so that it moves with the weights
        self.register_buffer("like", like, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.like is not None and x.dtype != self.like.dtype:
            x = x.to(self.like.dtype)
        return channels_last(x) if x.device.type == "cpu" and not torch.compiler.is_exporting() else x


class Repeat(Edge):
    """An edge that only repeats pixels (``nearest``), which can be added without being made where they are doubled."""

    def add_to(self, total: Tensor, x: Tensor, factor: float) -> bool:
        """Whether the pixels are to be doubled; then ``total`` has them, times ``factor``, added to it."""
        if torch.compiler.is_compiling():  # one call is better there, for sizes that may change
            return False
        if total.shape[-2:] != (2 * x.shape[-2], 2 * x.shape[-1]):
            return False
        for row, column in product(range(2), repeat=2):
            total[..., row::2, column::2].add_(x, alpha=factor)
        return True


class Term(nn.Module):
    """A map at the end of its edge times ``factor``, alone or added to the ``total`` of the terms before it.

    ``writes``: the map or, where there is one, the total is the node's own and may be written to.
    ``copies``: the result is a tensor of its own, even with a factor of 1.
    """

    def __init__(self, edge: Edge, factor: float, *, writes: bool, copies: bool) -> None:
        super().__init__()
        self.edge, self.factor, self.writes, self.copies = edge, factor, writes, copies

    def forward(self, size: Size, x: Tensor, total: Tensor | None = None) -> Tensor:
        if total is None:
            return self._start(self.edge(x, size))
        if not self.writes or total.requires_grad:
            return torch.add(total, self.edge(x, size), alpha=self.factor)
        if isinstance(self.edge, Repeat) and self.edge.add_to(total, x, self.factor):
            return total
        return total.add_(self.edge(x, size), alpha=self.factor)

    def _start(self, x: Tensor) -> Tensor:
        if self.writes and not x.requires_grad:
            return x if self.factor == 1 else x.mul_(self.factor)
        return x * self.factor if self.copies or self.factor != 1 else x

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.factor, dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        self.factor = float(state)

    def extra_repr(self) -> str:
        return f"factor={self.factor:.4g}"
