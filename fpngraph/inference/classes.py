"""Classes of modules by their full names, so that nothing has to be imported to compare a module with them."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def is_one_of(module: object, names: Iterable[str]) -> bool:
    """Whether the class of ``module`` is exactly one of those named: a class that derives from one is another.

    Of a class that nobody has imported there is no module, so that what is imported is enough to look at.
    """
    return any(type(module) is getattr(sys.modules.get(home), own, None) for home, own in map(_split, names))


def _split(name: str) -> tuple[str, str]:
    home, _, own = name.rpartition(".")
    return home, own


def full_name(kind: object) -> str:
    """The full name of a class or a function."""
    return f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', '')}"


def no_rule(module: object) -> str:
    """The reason why a module runs as it is whose class no rule is for."""
    return f"no rule for its class {full_name(type(module))}"
