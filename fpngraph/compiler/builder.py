"""From a graph to a torch module: the modules of every node, joined by a forward in torch.fx."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from itertools import islice

import torch
from torch import Tensor, nn

from fpngraph.analysis.shapes import InChannels, Lowered, lower
from fpngraph.analysis.steps import NodeSteps
from fpngraph.compiler.blank import guard, without_numbers
from fpngraph.compiler.keeping import recomputed
from fpngraph.compiler.neck import Neck
from fpngraph.graph.graph import Graph
from fpngraph.layers.layout import Layers
from fpngraph.layers.lean import LeanNode
from fpngraph.layers.node import Edge, Node
from fpngraph.layers.unset import unset
from fpngraph.ops import Resampler
from fpngraph.ops.steps import Step

_SET = (nn.Conv2d, nn.BatchNorm2d, nn.GroupNorm)
"""What a recipe of initial weights may set all of."""


def build(graph: Graph, in_channels: InChannels, *, lean: bool = False, init: bool = True) -> Neck:
    """The torch module of ``graph`` for inputs of these channels.

    ``in_channels`` is a number per input of the graph, in their order or by their names. A ``lean`` neck trains in
    less memory and more time: nodes that spare memory so run again in the backward pass, in place of keeping what they
    work out. Results, gradients and the keys of the state dict are the same.
    With ``init=False`` no weights are drawn: for ``neck.load_state_dict(state, assign=True)``. Until then its tensors
    are on torch's device meta, hold no numbers, and a call raises RuntimeError. So it is under
    ``with torch.device("meta")`` or accelerate's ``init_empty_weights()``, as hosts build what they load.
    Raises GraphError with every mismatch of levels and channels.

    >>> neck = fpngraph.build(fpngraph.load("fpn", channels=64), [256, 512, 1024, 2048])
    >>> neck.out_channels
    {'P2': 64, 'P3': 64, 'P4': 64, 'P5': 64, 'P6': 64}
    """
    lowered = lower(graph, in_channels)
    again = recomputed(lambda: _neck(lowered, init=False)) if lean else frozenset()
    neck = _neck(lowered, again, init=init)
    # by torch.device("meta") or in another way, such as accelerate's
    if not init or any(weight.is_meta for weight in islice(neck.parameters(), 1)):
        guard(neck)
    return neck


def _neck(lowered: Lowered, again: frozenset[str] = frozenset(), *, init: bool) -> Neck:
    """A neck of which the nodes of ``again`` are lean."""
    with nullcontext() if init else without_numbers():
        return Neck(
            lowered.graph,
            {
                name: _node(steps, LeanNode if name in again else Node, init=init)
                for name, steps in lowered.nodes.items()
            },
            in_channels={name: feature.channels for name, feature in lowered.inputs.items()},
            outputs={name: lowered.feature(source) for name, source in lowered.graph.outputs.items()},
        )


def reset(neck: Neck) -> None:
    """Give a neck the weights of one that is built anew. Raises ValueError where it has other tensors than that."""
    with torch.device("cpu"):
        given = _tensors(build(neck.source_graph, neck.in_channels))
    own = _tensors(neck)
    for name in {**given, **own}:
        found, wanted = (list(found[name].shape) if name in found else "missing" for found in (own, given))
        if found != wanted:
            raise ValueError(
                f"the neck is not as its graph builds it: {name!r} is {found}, there {wanted}\n"
                "  hint: undo what was done to its modules (pruning, parametrizations, layers put in), or build it anew"
            )
    with torch.no_grad():
        for name, tensor in given.items():
            own[name].copy_(tensor)


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return dict(module.named_parameters()) | dict(module.named_buffers())


def _node(steps: NodeSteps, kind: type[Node], *, init: bool) -> Node:
    recipe = steps.node.init if init else None
    with unset(*_SET) if recipe and recipe.does_set_all() else nullcontext():
        edges = {edge.key: _edge(edge.steps) for edge in steps.edges}
        module = kind(edges, steps.fusion.module(), _modules(steps.op))
    if recipe:
        for part in module.modules():
            recipe.apply(part)
    return module


def _edge(steps: Sequence[Step]) -> Edge:
    resampler = next((step.key for step in steps if isinstance(step.op, Resampler)), None)
    modules: dict[str, nn.Module] = {}
    for step in steps:
        name, _, inner = step.key.rpartition(".")
        if name and name not in modules:
            modules[name] = Layers()
        if name:
            modules[name].add_module(inner, step.module())
        else:
            modules[inner] = step.module()
    return Edge(modules, resampler=resampler)


def _modules(steps: Iterable[Step]) -> dict[str, nn.Module]:
    return {step.key: step.module() for step in steps}
