"""Modules of the inference form: they write into maps that nobody reads any more.

A map that gradients flow through is never written to, so that those of the inputs are right, nor is one in a trace.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor, nn

from fpngraph.feature import Size
from fpngraph.layers.act import Activation
from fpngraph.layers.node import Edge
from fpngraph.layers.tracing import is_traced


def may_write(x: Tensor) -> bool:
    """Whether a map that is the node's own may be written to: not where it is traced or gradients flow through it."""
    return not (x.requires_grad or is_traced())


class InPlace(nn.Module):
    """An activation that writes what it gives into its input."""

    def __init__(self, plain: Activation) -> None:
        super().__init__()
        self.plain = plain

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.plain.write(x) if may_write(x) else self.plain(x)
        return y


class Entry(nn.Module):
    """Converts a caller's map to ``dtype``, or to what the neck is moved to later."""

    like: Tensor

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        # a buffer moves with the weights; torch's default device may hold no numbers
        self.register_buffer("like", torch.empty(0, dtype=dtype, device="cpu"), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x if x.dtype == self.like.dtype else x.to(self.like.dtype)


class Repeat(Edge):
    """An edge that only repeats pixels (``nearest``), which can be added without being made where they are doubled."""

    def add_to(self, total: Tensor, x: Tensor, factor: float) -> bool:
        """Whether the pixels are to be doubled; then ``total`` has them, times ``factor``, added to it."""
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
        if not (self.writes and may_write(total)):
            return torch.add(total, self.edge(x, size), alpha=self.factor)
        if isinstance(self.edge, Repeat) and self.edge.add_to(total, x, self.factor):
            return total
        return total.add_(self.edge(x, size), alpha=self.factor)

    def _start(self, x: Tensor) -> Tensor:
        if self.writes and may_write(x):
            return x if self.factor == 1 else x.mul_(self.factor)
        return x * self.factor if self.copies or self.factor != 1 else x

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.factor, dtype=torch.float64, device="cpu")  # the default may hold no numbers

    def set_extra_state(self, state: Tensor) -> None:
        self.factor = float(state)

    def extra_repr(self) -> str:
        return f"factor={self.factor:.4g}"
