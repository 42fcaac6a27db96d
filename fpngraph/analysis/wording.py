"""Operators in a few words, for tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence

from fpngraph.analysis.steps import PROJECT
from fpngraph.ops import Down, Operator, Resampler
from fpngraph.ops.composite import Repeat
from fpngraph.ops.steps import Step

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


def step_in_words(step: Step) -> str:
    """A step of an edge: its name, ``1x1`` of a projection, and a resampler's ratio, ``max_pool/2``, ``nearest*2``."""
    if step.key == f"{PROJECT}.conv":
        return "1x1"
    if not isinstance(step.op, Resampler):
        return in_words(step.op)
    return f"{step.op.name}{'/' if isinstance(step.op, Down) else '*'}{step.site.ratio}"


def _listed(layers: Sequence[Operator | str]) -> str:
    return ", ".join(map(in_words, layers))
