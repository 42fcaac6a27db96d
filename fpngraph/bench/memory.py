"""The most memory that the tensors of a call hold at once, counted by their storages: the same number on every run."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


def peak_bytes(call: Callable[[], object], excluded: Iterable[Tensor]) -> int:
    """The largest number of bytes that lived at once of all that the operators in ``call`` gave.

    Results, gradients and what autograd keeps count; what was there before counts if an operator gives a view of it,
    unless ``excluded`` has it (inputs, parameters, buffers). What an operator needs inside for itself is not seen.
    """
    with _LiveStorages(excluded) as live:
        result = call()
    del result
    peak: int = live.peak
    return peak


class _LiveStorages(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no hints for it
    """Counts a storage from the operator that first gives it until it is freed."""

    def __init__(self, excluded: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no hints for it
        self.held: dict[weakref.ref[torch.UntypedStorage], int] = {}
        self.known = weakref.WeakSet(x.untyped_storage() for x in excluded)
        self.now = self.peak = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        results = func(*args, **(kwargs or {}))
        for result in tree_iter(results):
            if isinstance(result, Tensor):
                self._count(result.untyped_storage())
        self.peak = max(self.peak, self.now)
        return results

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage not in self.known:
            self.known.add(storage)
            self.held[weakref.ref(storage, self._forget)] = storage.nbytes()
            self.now += storage.nbytes()

    def _forget(self, storage: weakref.ref[torch.UntypedStorage]) -> None:
        self.now -= self.held.pop(storage)
