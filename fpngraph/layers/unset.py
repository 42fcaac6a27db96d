"""Modules that are made without the values that torch gives them, where something else will give them theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)
_unset: ContextVar[tuple[tuple[type[nn.Module], ...], str | None]] = ContextVar("unset", default=((), None))


@contextmanager
def unset(*kinds: type[nn.Module], device: str | None = None) -> Iterator[None]:
    """A context in which what ``made`` makes of these classes, or of some below them, has no values yet.

    With a ``device`` it is made there.
    """
    before = _unset.set((kinds, device))
    try:
        yield
    finally:
        _unset.reset(before)


def made(kind: type[M], *arguments: Any, **settings: Any) -> M:
    """A module of a class whose ``reset_parameters`` gives it all its values; without them where they are unset."""
    kinds, device = _unset.get()
    if not issubclass(kind, kinds):
        return kind(*arguments, **settings)
    if device is not None:
        settings["device"] = device
    module: M = _without_reset(kind)(*arguments, **settings)  # type: ignore[arg-type]  # to mypy no M has a hash
    module.__class__ = kind
    return module


@cache
def _without_reset(kind: type[nn.Module]) -> Any:
    return type(kind.__name__, (kind,), {"reset_parameters": lambda _: None})
