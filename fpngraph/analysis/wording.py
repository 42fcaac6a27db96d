"""Operators in a few words, for tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence

from fpngraph.analysis.steps import PROJECT, may_project
from fpngraph.feature import Feature
from fpngraph.graph.nodes import Edge, Node
from fpngraph.ops import Down, Operator, Resampler
from fpngraph.ops.composite import Repeat
from fpngraph.ops.steps import Step

PROJECTION = "1x1"
PERHAPS = "1x1?"
"""A projection that is there only where channels differ, and they are not known."""
_TIMES = "×"


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
    return PROJECTION if step.key == f"{PROJECT}.conv" else _of_path(step.op, step.site.ratio)


def edge_in_words(edge: Edge, node: Node, source: Feature) -> list[str]:
    """What is known of an edge where the channels of its source are not; ``1x1?`` may be there, with its norm."""
    ratio = 1 << abs(source.level - node.level)
    path = [_of_path(layer, ratio) for layer in edge.path(source.level, node.level)]
    projection = []
    if edge.projection.when == "always":
        projection = [PROJECTION, *([in_words(node.norm)] if edge.projection.norm else [])]
    elif may_project(edge, node):
        projection = [PERHAPS]
    return projection + path if edge.order == "project_first" else path + projection


def _of_path(layer: Operator, ratio: int) -> str:
    if not isinstance(layer, Resampler):
        return in_words(layer)
    return f"{layer.name}{'/' if isinstance(layer, Down) else '*'}{ratio}"


def _listed(layers: Sequence[Operator | str]) -> str:
    return ", ".join(map(in_words, layers))
