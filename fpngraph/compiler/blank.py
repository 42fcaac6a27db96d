"""Necks without weights, on torch's device meta, whose tensors hold no numbers: for weights that are loaded later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)
from torch.nn.parameter import is_lazy

from fpngraph.layers.unset import unset


@contextmanager
def without_numbers() -> Iterator[None]:
    """A context in which modules that this thread makes have their tensors on meta, from when they get them on.

    ``torch.device("meta")`` does it by looking at every call of a function of torch, which takes longer than to draw.
    """
    thread = get_ident()

    def moved(_module: nn.Module, _name: str, tensor: Tensor | None) -> Any:  # torch's hint says that it gives nothing
        if tensor is None or tensor.is_meta or get_ident() != thread or is_lazy(tensor):
            return None  # as it is
        empty = torch.empty_like(tensor, device="meta")
        return nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty

    hooks = register_module_parameter_registration_hook(moved), register_module_buffer_registration_hook(moved)
    try:
        with unset(nn.Module, device="meta"):  # of these there is nothing to move
            yield
    finally:
        for hook in hooks:
            hook.remove()


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
