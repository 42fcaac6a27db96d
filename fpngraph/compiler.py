"""From a graph to a torch module: the modules of every node, joined by a forward in torch.fx."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import nn

from fpngraph.graph import Graph
from fpngraph.layers.layout import made
from fpngraph.layers.lean import LeanNode
from fpngraph.layers.node import Edge, Node
from fpngraph.neck import Neck
from fpngraph.ops import Resampler
from fpngraph.shapes import InChannels, lower
from fpngraph.steps import NodeSteps, Step


def build(graph: Graph, in_channels: InChannels, *, lean: bool = False) -> Neck:
    """The torch module of ``graph`` for inputs of these channels.

    ``in_channels`` is a number per input of the graph, in their order or by their names. A ``lean`` neck trains in
    less memory and more time: each node runs again in the backward pass, in place of keeping what it works out.
    Results, gradients and the keys of the state dict are the same.
    Raises GraphError with every mismatch of levels and channels.
    """
    lowered = lower(graph, in_channels)
    kind = LeanNode if lean else Node
    return Neck(
        graph,
        {name: _node(steps, kind) for name, steps in lowered.nodes.items()},
        in_channels={name: feature.channels for name, feature in lowered.inputs.items()},
        outputs={name: lowered.feature(source) for name, source in graph.outputs.items()},
    )


def _node(steps: NodeSteps, kind: type[Node]) -> Node:
    module = kind([_edge(edge.steps) for edge in steps.edges], _module(steps.fusion), _modules(steps.op))
    if steps.node.init is not None:
        for part in module.modules():
            steps.node.init.apply(part)
    return module


def _edge(steps: Sequence[Step]) -> Edge:
    resampler = next((index for index, step in enumerate(steps) if isinstance(step.op, Resampler)), None)
    return Edge(_modules(steps), resampler=resampler)


def _modules(steps: Iterable[Step]) -> list[nn.Module]:
    return [_module(step) for step in steps]


def _module(step: Step) -> nn.Module:
    return made(step.op, step.inputs, step.site)
