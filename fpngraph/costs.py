"""What a graph costs on images of one size: parameters and multiply-accumulates, node by node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fpngraph.feature import Feature, Size
from fpngraph.graph import Graph
from fpngraph.ops import Cost
from fpngraph.shapes import InChannels, Lowered, lower
from fpngraph.steps import NodeSteps, Step


@dataclass(frozen=True, slots=True)
class NodeCost:
    """One node: what comes out of it, in which size, and what it takes to get there."""

    feature: Feature
    size: Size
    parameters: int
    macs: int


@dataclass(frozen=True, slots=True)
class Costs:
    """Every node by its full name. MACs are those of convolutions and matrix products, for one image."""

    nodes: Mapping[str, NodeCost]

    @property
    def parameters(self) -> int:
        return sum(node.parameters for node in self.nodes.values())

    @property
    def macs(self) -> int:
        return sum(node.macs for node in self.nodes.values())


def cost(graph: Graph, in_channels: InChannels, image_size: int | tuple[int, int]) -> Costs:
    """Parameters and MACs of every node, for one image of ``image_size`` pixels: a side, or (height, width).

    Raises GraphError as ``infer`` does, and ValueError for a size below 1.
    """
    return lowered_cost(lower(graph, in_channels), image_size)


def lowered_cost(lowered: Lowered, image_size: int | tuple[int, int]) -> Costs:
    """As ``cost``, of a graph whose steps are known."""
    image = Size(image_size, image_size) if isinstance(image_size, int) else Size(*image_size)
    if min(image) < 1:
        raise ValueError(f"image_size is {image_size!r}, not at least one pixel each way")
    finest = min(entry.level for entry in lowered.graph.inputs.values())
    base = Size(*(_halved(side, finest) for side in image))
    return Costs({name: _node_cost(steps, finest, base) for name, steps in lowered.nodes.items()})


def _node_cost(steps: NodeSteps, finest: int, base: Size) -> NodeCost:
    total = Cost(0, 0)
    for step in _steps(steps):
        before, after = _size(step.inputs[0].level, finest, base), _size(step.output.level, finest, base)
        total += step.op.cost(step.inputs, step.site, before, after)
    return NodeCost(steps.output, _size(steps.output.level, finest, base), total.parameters, total.macs)


def _steps(node: NodeSteps) -> Iterator[Step]:
    for edge in node.edges:
        yield from edge.steps
    yield node.fusion
    yield from node.op


def _size(level: int, finest: int, base: Size) -> Size:
    """The size of a level, where ``base`` is that of the finest graph input."""
    if level < finest:
        return Size(*(side << finest - level for side in base))
    return Size(*(_halved(side, level - finest) for side in base))


def _halved(side: int, times: int) -> int:
    """``ceil(side / 2^times)``, which is what rounding up after every halving gives."""
    return -(-side >> times)
