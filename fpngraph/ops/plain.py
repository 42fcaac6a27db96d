"""Operators whose module needs nothing but settings: its class is looked up by its name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fpngraph.feature import Feature
from fpngraph.ops.base import Free, Operator, Site

if TYPE_CHECKING:
    from torch import nn


def made_of(operator: Operator, *arguments: Any, **named: Any) -> nn.Module:
    """A module of the first class in ``modules`` of an operator."""
    module: nn.Module = _class(operator.modules[0])(*arguments, **named)
    return module


@cache
def _class(full_name: str) -> Any:
    home, _, name = full_name.rpartition(".")
    return getattr(import_module(home), name)


def settings(operator: Operator) -> tuple[Any, ...]:
    """The values of an operator's settings, in their order."""
    return tuple(getattr(operator, name) for name in type(operator).model_fields)


class Plain(Free, Operator):
    """An operator that learns nothing, whose module is of the first class in ``modules``."""

    def arguments(self, site: Site) -> Sequence[Any]:
        """What the class is called with: the settings, in their order."""
        return settings(self)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return made_of(self, *self.arguments(site))
