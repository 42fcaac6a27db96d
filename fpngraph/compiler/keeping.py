"""What the nodes of a neck keep for the backward pass, seen in a run without numbers, and which had better not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, UntypedStorage, nn

from fpngraph.compiler.neck import Neck

SHARE = 0.1
"""Of all that running again could spare, what is let go to save time."""
_SIDE = 256  # of the image in pixels; more where a map would have one pixel


def recomputed(blank: Callable[[], Neck]) -> frozenset[str]:
    """The nodes that a lean neck runs again in the backward pass, by full names; ``blank`` makes it without numbers.

    They are those that spare memory so, but for the smallest: a node on a coarse level takes nearly as long to call as
    one on the finest, and keeps little. All nodes, where a module cannot run without numbers.
    """
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False):  # which records for gradients too
        neck = blank()
        try:
            bytes_ = spared(neck)
        except Exception:  # whatever somebody's module does
            return frozenset(neck.source_graph.nodes)
    least = SHARE * sum(bytes_.values())
    smallest_first = sorted(bytes_, key=bytes_.__getitem__)
    together = accumulate(bytes_[name] for name in smallest_first)
    return frozenset(name for name, sum_ in zip(smallest_first, together, strict=True) if sum_ > least)


def spared(neck: Neck) -> dict[str, int]:
    """The bytes that each node keeps of its own, less those of the maps that it is given and does not keep.

    ``neck`` has no numbers, and hooks afterwards.
    """
    graph = neck.source_graph
    watch = _Watch()
    for name in graph.nodes:
        watch.add(name, neck.get_submodule(name))
    side = max(_SIDE, 2 << max(node.level for node in graph.nodes.values()))
    maps = [
        torch.empty(2, neck.in_channels[name], side >> entry.level, side >> entry.level, device="meta")
        for name, entry in graph.inputs.items()
    ]
    with torch.autograd.graph.saved_tensors_hooks(watch.keep, lambda x: x):
        neck.train()([x.requires_grad_() for x in maps])
    return watch.spared


class _Watch:
    """Sees, node by node, what each is given, what autograd keeps meanwhile, and what comes out."""

    def __init__(self) -> None:
        self.spared: dict[str, int] = {}
        self._kept: set[UntypedStorage] = set()

    def add(self, name: str, node: nn.Module) -> None:
        own = _storages((*node.parameters(), *node.buffers()))

        def enter(_node: nn.Module, _arguments: object) -> None:
            self._kept = set()

        def leave(_node: nn.Module, arguments: tuple[Any, ...], y: Tensor) -> None:
            given = _storages(arguments[1:])  # the first is the size
            more = self._kept - own - given - _storages([y])
            self.spared[name] = max(_bytes(more) - _bytes(given - self._kept), 0)

        node.register_forward_pre_hook(enter)
        node.register_forward_hook(leave)

    def keep(self, x: Tensor) -> Tensor:
        self._kept.add(x.untyped_storage())
        return x


def _storages(tensors: Iterable[Tensor]) -> set[UntypedStorage]:
    return {x.untyped_storage() for x in tensors}


def _bytes(storages: set[UntypedStorage]) -> int:
    return sum(storage.nbytes() for storage in storages)
