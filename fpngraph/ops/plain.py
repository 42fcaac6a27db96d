"""Operators whose module needs nothing but settings: its class is looked up by its name."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fpngraph.feature import Feature
from fpngraph.ops.base import Free, Operator, Site

if TYPE_CHECKING:
    from torch import nn


def made_of(operator: Operator, *arguments: Any) -> nn.Module:
    """A module of the first class in ``modules`` of an operator."""
    home, _, name = operator.modules[0].rpartition(".")
    module: nn.Module = getattr(import_module(home), name)(*arguments)
    return module


class Plain(Free, Operator):
    """An operator that learns nothing, whose module is of the first class in ``modules``."""

    def arguments(self, site: Site) -> Sequence[Any]:
        """What the class is called with: the settings, in their order."""
        return tuple(self.model_dump().values())

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return made_of(self, *self.arguments(site))
