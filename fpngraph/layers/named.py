"""A list of modules that have names: what state dicts call their tensors by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from torch import nn


class Named(nn.Sequential):
    """Modules in order, each by a name that stays its own when others are put in, taken out or exchanged.

    Made of a mapping from name to module. One that has no name, of an iterable or put in later, is called by the first
    number that is free, as in torch's own lists.
    """

    def __init__(self, modules: Mapping[str, nn.Module] | Iterable[nn.Module] = ()) -> None:
        super().__init__()
        if isinstance(modules, Mapping):
            for name, module in modules.items():
                self.add_module(name, module)
        else:
            self.extend(modules)

    def append(self, module: nn.Module) -> Self:
        """Put a module after all others."""
        number = len(self)
        while str(number) in self._modules:
            number += 1
        self.add_module(str(number), module)
        return self

    def __iadd__(self, other: Any) -> Self:  # torch's ``+`` has no hint for it either
        return self.extend(other)

    def insert(self, index: int, module: nn.Module) -> Self:
        """Put a module before the one at ``index``."""
        later = list(self._modules)[index:]
        self.append(module)
        for name in later:
            self._modules[name] = self._modules.pop(name)
        return self

    def __delitem__(self, idx: int | slice) -> None:
        names = list(self._modules)
        for name in names[idx] if isinstance(idx, slice) else [names[idx]]:
            delattr(self, name)
