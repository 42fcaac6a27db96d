"""Operators in a few words, for tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence

from fpngraph.ops import Operator
from fpngraph.ops.composite import Repeat

_TIMES = "\N{MULTIPLICATION SIGN}"


def in_words(layer: Operator | str) -> str:
    """Its name, and what it holds: ``residual(conv, batch_norm)``, ``concat([], [slice, relu])``."""
    if isinstance(layer, str):
        return layer
    if isinstance(layer, Repeat):
        return f"{layer.name}{_TIMES}{layer.times}({_listed(layer.layers)})"
    lists = [_listed(layers) for layers in layer.held()]
    if len(lists) == 1:
        return f"{layer.name}({lists[0]})"
    return f"{layer.name}({', '.join(f'[{it}]' for it in lists)})" if lists else layer.name


def _listed(layers: Sequence[Operator | str]) -> str:
    return ", ".join(map(in_words, layers))
