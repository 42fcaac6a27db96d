"""What a graph costs on images of one size: parameters and multiply-accumulates, node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral

from fpngraph.analysis.shapes import InChannels, Lowered, lower
from fpngraph.feature import Feature, Size
from fpngraph.graph.graph import Graph
from fpngraph.ops import Cost, Operator
from fpngraph.ops.steps import Step


@dataclass(frozen=True, slots=True)
class NodeCost:
    """One node: what comes out of it, in which size, and what it takes to get there; None where nobody knows."""

    feature: Feature
    size: Size
    parameters: int | None
    macs: int | None


@dataclass(frozen=True, slots=True)
class Costs:
    """Every node by its full name. MACs are those of convolutions and matrix products, for one image."""

    nodes: Mapping[str, NodeCost]
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Nodes that lack a number, by full name, and why."""

    @property
    def parameters(self) -> int | None:
        """Of all nodes; None if one of them is not known."""
        return self._total().parameters

    @property
    def macs(self) -> int | None:
        """Of all nodes; None if one of them is not known."""
        return self._total().macs

    def _total(self) -> Cost:
        return sum((Cost(node.parameters, node.macs) for node in self.nodes.values()), Cost(0, 0))


def cost(graph: Graph, in_channels: InChannels, image_size: int | tuple[int, int]) -> Costs:
    """Parameters and MACs of every node, for one image of ``image_size`` pixels: a side, or (height, width).

    Each operator says what it costs. One that does not is measured: torch is imported, and its module built and run.
    Raises GraphError as ``infer`` does, and ValueError for another size.

    >>> costs = fpngraph.cost(fpngraph.load("bifpn", preset="d0"), [40, 112, 320], image_size=512)
    >>> costs.parameters, costs.macs
    (194361, 136203264)
    """
    return lowered_cost(lower(graph, in_channels), image_size)


def lowered_cost(lowered: Lowered, image_size: int | tuple[int, int]) -> Costs:
    """As ``cost``, of a graph whose steps are known."""
    sides = image_size if isinstance(image_size, Sequence) else (image_size, image_size)
    if len(sides) != 2 or not all(isinstance(side, Integral) and side > 0 for side in sides):
        raise ValueError(f"image_size is {image_size!r}, but must be a side in pixels, or (height, width)")
    finest = min(entry.level for entry in lowered.graph.inputs.values())
    base = Size(*(_halved(side, finest) for side in sides))
    nodes: dict[str, NodeCost] = {}
    unknown: dict[str, str] = {}
    meter = _Meter()
    for name, steps in lowered.nodes.items():
        found = [
            meter.cost(step, _size(step.inputs[0].level, finest, base), _size(step.output.level, finest, base))
            for step in steps
        ]
        total = sum((cost for cost, _ in found), Cost(0, 0))
        nodes[name] = NodeCost(steps.output, _size(steps.output.level, finest, base), *total)
        if None in total:
            unknown[name] = "; ".join(dict.fromkeys(reason for _, reason in found if reason))
    return Costs(nodes, unknown)


def written(number: int | None) -> str:
    """A number as people read it, and ``?`` where nobody knows it."""
    return "?" if number is None else f"{number:,}"


class _Meter:
    """Asks operators for their costs, and measures those that do not say, each once for all nodes that are alike."""

    def __init__(self) -> None:
        self._measured: dict[object, list[tuple[Operator, tuple[Cost, str]]]] = {}

    def cost(self, step: Step, before: Size, after: Size) -> tuple[Cost, str]:
        """What a step costs, and why a number of it is None; the text is empty where none is."""
        said = step.op.cost_of_module(step.inputs, step.site, before, after)
        if None not in said:
            return said, ""
        measured, why = self._measure(step, before, after)
        total = said.completed(measured)
        return total, f"{step.op.name!r} does not say it: {why}" if None in total else ""

    def _measure(self, step: Step, before: Size, after: Size) -> tuple[Cost, str]:
        alike = self._measured.setdefault((type(step.op), step.inputs, step.site, before, after), [])
        for op, found in alike:
            if op == step.op:
                return found
        from fpngraph.compiler.measuring import measured

        alike.append((step.op, measured(step, before, after)))
        return alike[-1][1]


def _size(level: int, finest: int, base: Size) -> Size:
    """The size of a level, where ``base`` is that of the finest graph input."""
    if level < finest:
        return Size(*(side << finest - level for side in base))
    return Size(*(_halved(side, level - finest) for side in base))


def _halved(side: int, times: int) -> int:
    """``ceil(side / 2^times)``, which is what rounding up after every halving gives."""
    return -(-side >> times)
