"""A node that trains in little memory: it keeps the maps that it reads, and works out the rest again for gradients."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from fpngraph.feature import Size
from fpngraph.layers.node import Node


class LeanNode(Node):
    """A node that runs again in the backward pass in place of keeping what it works out (arXiv:1604.06174).

    The second run sees the buffers and random numbers of the first and changes neither, so that results, gradients
    and running statistics are those of a plain node. In eval mode, without gradients, and while torch compiles or
    exports, it is one.
    """

    def forward(self, size: Size, *maps: Tensor) -> Tensor:
        if not (self.training and torch.is_grad_enabled()) or torch.compiler.is_compiling():
            return super().forward(size, *maps)
        first = _FirstRun(self)
        second = _SecondRun(first)
        y: Tensor = checkpoint(super().forward, size, *maps, use_reentrant=False, context_fn=lambda: (first, second))
        return y


@dataclass(frozen=True, slots=True)
class _Buffer:
    """A buffer at its place, and what it held before the first run."""

    place: MutableMapping[str, Tensor | None]
    name: str
    tensor: Tensor
    version: int
    before: Tensor

    def changed(self) -> bool:
        """Whether it was written to or replaced since."""
        return self.place[self.name] is not self.tensor or self.tensor._version != self.version


class _FirstRun:
    """Finds out which buffers of a node change while it is open."""

    def __init__(self, node: Node) -> None:
        self.buffers = [
            _Buffer(module._buffers, name, buffer, buffer._version, buffer.clone())
            for module in node.modules()
            for name, buffer in module._buffers.items()
            if buffer is not None
        ]

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.buffers = [buffer for buffer in self.buffers if buffer.changed()]


class _SecondRun:
    """While it is open, buffers that the first run changed are copies of what they were before it."""

    def __init__(self, first: _FirstRun) -> None:
        self.first = first
        self.now: list[Tensor | None] = []

    def __enter__(self) -> None:
        self.now = [buffer.place[buffer.name] for buffer in self.first.buffers]
        for buffer in self.first.buffers:
            buffer.place[buffer.name] = buffer.before.clone()

    def __exit__(self, *_: object) -> None:
        for buffer, tensor in zip(self.first.buffers, self.now, strict=True):
            buffer.place[buffer.name] = tensor
