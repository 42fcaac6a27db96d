"""Modules that are made without the values that torch gives them, where something else will give them theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)
_kinds: ContextVar[tuple[type[nn.Module], ...]] = ContextVar("kinds", default=())


@contextmanager
def unset(*kinds: type[nn.Module]) -> Iterator[None]:
    """A context in which what ``made`` makes of these classes, or of some below them, has no values yet."""
    before = _kinds.set(kinds)
    try:
        yield
    finally:
        _kinds.reset(before)


def made(kind: type[M], *arguments: Any, **settings: Any) -> M:
    """A module of a class whose ``reset_parameters`` gives it all its values; without them where they are unset."""
    if not issubclass(kind, _kinds.get()):
        return kind(*arguments, **settings)
    module: M = _without_reset(kind)(*arguments, **settings)  # type: ignore[arg-type]  # to mypy no M has a hash
    module.__class__ = kind
    return module


@cache
def _without_reset(kind: type[nn.Module]) -> Any:
    return type(kind.__name__, (kind,), {"reset_parameters": lambda _: None})
