"""Packages that only some commands need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fpngraph.cli.values import UsageError


@contextmanager
def extra(part: str) -> Iterator[None]:
    """Raises UsageError, with the way to install it, where a package is missing that an optional part brings."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "a package").partition(".")[0]
        hint = f"pip install 'fpngraph[{part}]'"
        raise UsageError(f"it needs {package!r}, which is not installed\n  hint: {hint}") from None
