"""Operators by the names that graph files call them by."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TypeVar

from fpngraph.ops.base import Activation, Down, Fusion, Init, Layer, Norm, Operator, Up
from fpngraph.reserved import RESERVED

T = TypeVar("T", bound=Operator)
KINDS: Mapping[str, type[Operator]] = {kind.kind: kind for kind in (Layer, Norm, Activation, Down, Up, Fusion, Init)}
_registry: dict[tuple[str, str], type[Operator]] = {}
_WORDS = frozenset({"none", "norm", "act"})  # what a list of layers says in place of an operator
_OF_EDGES = frozenset({"project", "resampler"})  # a module and an attribute that every edge has


def register(operator: type[T]) -> type[T]:
    """Make an operator known to graph files by its ``name``; a decorator.

    Raises TypeError for what is no operator with a name, ValueError for a name that is taken, or that its modules in an
    edge or a node's ``op`` cannot be called by.

    >>> @fpngraph.register
    ... class Doubled(fpngraph.Layer):
    ...     name = "doubled"
    ...
    ...     def build(self, inputs, site):
    ...         return torch.nn.Identity()
    """
    if not (isinstance(operator, type) and issubclass(operator, tuple(KINDS.values()))):
        raise TypeError(
            f"{operator!r} is no operator\n  hint: it is a class derived from fpngraph.Layer or another kind"
        )
    if taken := [setting for setting in operator.model_fields if setting == "name" or hasattr(operator, setting)]:
        raise ValueError(
            f"{operator.__qualname__}: no setting can be called {taken[0]!r}, which is something else of an operator\n"
            f"  hint: call the field '{taken[0]}_', with Field(alias={taken[0]!r}), or annotate it as a ClassVar"
        )
    name, kind = _name(operator), operator.kind
    for other in _rivals(kind):
        if (other, name) in _registry:
            raise ValueError(f"{operator.__qualname__}: there is an operator of kind {other!r} named {name!r} already")
    if name in _WORDS:
        raise ValueError(f"{operator.__qualname__}: {name!r} is a word of the language")
    if kind in ("layer", "down", "up") and (reason := _unfit(name)):
        raise ValueError(
            f"{operator.__qualname__}: its modules are called by its name, {name!r}, but that {reason}\n"
            "  hint: a name of lower-case words, such as 'my_conv'"
        )
    _check_rules(operator)
    _registry[kind, name] = operator
    return operator


def _check_is_operator(operator: type[Operator]) -> None:
    """Raises TypeError for what graph files cannot name."""
    if not (isinstance(operator, type) and issubclass(operator, tuple(KINDS.values()))):
        raise TypeError(
            f"{operator!r} is no operator\n  hint: it is a class derived from fpngraph.Layer or another kind"
        )
    if not isinstance(getattr(operator, "name", None), str):
        raise TypeError(f"{operator.__qualname__}: an operator has a name, such as name = 'my_conv'")


def _name(operator: type[Operator]) -> str:
    name = getattr(operator, "name", None)
    if not isinstance(name, str):
        raise TypeError(f"{operator.__qualname__}: an operator has a name, such as name = 'my_conv'")
    return name


def _check_rules(operator: type[Operator]) -> None:
    """Raises ValueError for rules of inference that hold for no module."""
    rules = [rule for rule in ("parts", "factors") if _says(operator, rule)]
    if rules and not operator.modules:
        raise ValueError(
            f"{operator.__qualname__}: {rules[0]!r} holds for the classes of modules in 'modules', but that is empty\n"
            "  hint: give their full names, such as modules = ('torch.nn.ReLU',)"
        )


def _unfit(name: str) -> str:
    """Why no module in an edge or a node's ``op`` may have this name; empty if one may."""
    if not name.isidentifier():
        return "is no identifier"
    if name.startswith("_"):
        return "begins with '_', as what torch keeps for itself does"
    return "is what modules need for themselves" if name in RESERVED | _OF_EDGES else ""


def _says(operator: type[Operator], rule: str) -> bool:
    """Whether an operator has a rule of its own, in place of the one of its kind, which says nothing."""
    return getattr(operator, rule, None) not in (None, Operator.parts, Fusion.factors)


def _rivals(kind: str) -> tuple[str, ...]:
    """The kinds that can stand in one list with ``kind``, so that a name must be unique among them."""
    lists = (("layer", "norm", "act", "down"), ("layer", "norm", "act", "up"))
    return tuple({rival for row in lists if kind in row for rival in row} or {kind})


def find(kinds: Iterable[str], name: str) -> type[Operator] | None:
    """The operator of one of ``kinds`` named ``name``; entry points are loaded only if no other has it."""
    kinds = tuple(kinds)
    if not any((kind, name) in _registry for kind in kinds):
        load_entry_points()
    return next((_registry[kind, name] for kind in kinds if (kind, name) in _registry), None)


def names(kinds: Iterable[str]) -> list[str]:
    """The names that :func:`find` knows for ``kinds``, sorted."""
    load_entry_points()
    wanted = set(kinds)
    return sorted(name for kind, name in _registry if kind in wanted)


def operators() -> tuple[type[Operator], ...]:
    """Every registered operator, in order of registration."""
    load_entry_points()
    return tuple(_registry.values())


@cache
def load_entry_points() -> None:
    """Import the modules that installed packages name under the entry point group ``fpngraph.operators``.

    One that cannot be imported is warned about: a graph may well do without it.
    """
    from importlib.metadata import entry_points

    for entry in entry_points(group="fpngraph.operators"):
        try:
            entry.load()
        except Exception as error:  # whatever somebody else's module does when it is imported
            warnings.warn(f"operators of {entry.value!r} cannot be imported: {error}", stacklevel=2)
