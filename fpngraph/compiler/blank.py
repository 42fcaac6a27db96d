"""Necks without weights, on torch's device meta, whose tensors hold no numbers: for weights that are loaded later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from torch import nn
from torch.overrides import TorchFunctionMode

_DRAWING = frozenset(getattr(nn.init, name) for name in dir(nn.init) if name.endswith("_") and not name.startswith("_"))


class Undrawn(TorchFunctionMode):
    """A context in which torch.nn.init does nothing."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _DRAWING:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def guard(neck: nn.Module) -> None:
    """Have a neck refuse maps until all of its tensors hold numbers.

    torch itself may compute with a map and a weight on meta, and give whatever is in memory.
    """
    neck.register_forward_pre_hook(_refuse)
    neck.register_load_state_dict_post_hook(_loaded)  # type: ignore[no-untyped-call]  # torch has no hints for it


def check_weights(neck: nn.Module) -> None:
    """Raises RuntimeError if a tensor of ``neck`` holds no numbers; if none does, the guard goes."""
    names = [name for name, x in chain(neck.named_parameters(), neck.named_buffers()) if x.is_meta]
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise RuntimeError(
            f"tensors of the neck are on the device meta, without numbers: {names[0]!r}{more}\n"
            "  hint: neck.load_state_dict(state, assign=True), or neck.to_empty(device=...) and neck.reset_parameters()"
        )
    for key in [key for key, hook in neck._forward_pre_hooks.items() if hook is _refuse]:
        del neck._forward_pre_hooks[key]


def _refuse(neck: nn.Module, arguments: tuple[Any, ...]) -> None:
    features = arguments[0] if arguments else ()
    given = features.values() if isinstance(features, Mapping) else features
    maps = list(given) if isinstance(given, Iterable) else []
    if not (maps and all(getattr(x, "is_meta", False) for x in maps)):  # with maps on meta, it works out their sizes
        check_weights(neck)


def _loaded(neck: nn.Module, _: object) -> None:
    if not any(x.is_meta for x in chain(neck.parameters(), neck.buffers())):
        check_weights(neck)
