"""What one node does, operator by operator: the channels and level that go into each and come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fpngraph.errors import GraphError, Problem
from fpngraph.feature import Feature
from fpngraph.graph.nodes import Edge, Node
from fpngraph.ops import Layer, Mismatch, Norm, Operator, Resampler, Site
from fpngraph.ops.conv import Conv

UNKNOWN = 0
"""The channels of an input that nobody has said yet, and of what depends on them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operator at its place: what goes in, what its place says of it, what comes out."""

    op: Operator
    inputs: tuple[Feature, ...]
    site: Site
    output: Feature


@dataclass(frozen=True, slots=True)
class EdgeSteps:
    """What an edge does to its source, in the order of application."""

    edge: Edge
    steps: tuple[Step, ...]
    output: Feature


@dataclass(frozen=True, slots=True)
class NodeSteps:
    """What a node does: its edges, the fusion of their results, then its layers."""

    node: Node
    edges: tuple[EdgeSteps, ...]
    fusion: Step
    op: tuple[Step, ...]
    output: Feature


def node_steps(node: Node, sources: Sequence[Feature]) -> NodeSteps:
    """The steps of a node whose edges come from ``sources``. Raises GraphError with every mismatch."""
    edges: list[EdgeSteps] = []
    problems: list[Problem] = []
    for edge, source in zip(node.edges, sources, strict=True):
        try:
            edges.append(_edge_steps(edge, node, source))
        except Mismatch as mismatch:
            message = f"node {node.name!r}, edge from {edge.source!r}: {mismatch.reason}"
            problems.append(Problem(mismatch.code, message, edge.span, mismatch.hint))
    if not problems:
        problems.extend(_unequal(node, edges))
    if problems:
        raise GraphError(problems)
    try:
        fused = _fused(node, tuple(edge.output for edge in edges))
        op = tuple(_chain(node.op, fused.output, node, 1))
        output = op[-1].output if op else fused.output
        if output.channels == UNKNOWN:
            output = Feature(node.level, node.channels or UNKNOWN)
        _check_output(node, output)
    except Mismatch as mismatch:
        message = f"node {node.name!r}: {mismatch.reason}"
        raise GraphError([Problem(mismatch.code, message, node.span, mismatch.hint)]) from mismatch
    return NodeSteps(node, tuple(edges), fused, op, output)


def _fused(node: Node, features: tuple[Feature, ...]) -> Step:
    site = Site(node.channels, padding=node.padding)
    if any(feature.channels == UNKNOWN for feature in features):
        return Step(node.fusion, features, site, Feature(node.level, _wanted(node) or UNKNOWN))
    return _step(node.fusion, features, site)


def _unequal(node: Node, edges: Sequence[EdgeSteps]) -> Iterator[Problem]:
    """A problem for every edge that brings other channels than a fusion of equal ones needs."""
    if not node.fusion.equal_channels:
        return
    edges = [steps for steps in edges if steps.output.channels != UNKNOWN]
    if not edges:
        return
    first = edges[0]
    needed = node.channels or first.output.channels
    why = "the node's channels" if node.channels else f"what {first.edge.source!r} brings"
    for steps in edges:
        if steps.output.channels != needed:
            message = (
                f"node {node.name!r}: the edge from {steps.edge.source!r} brings {steps.output.channels} channels, "
                f"but {node.fusion.name!r} needs {needed}, {why}"
            )
            hint = f"{_way_out(steps.edge, node, needed)}, or fuse with 'concat'"
            yield Problem("channels-unequal", message, steps.edge.span, hint)


def _way_out(edge: Edge, node: Node, needed: int) -> str:
    if edge.projection.channels:
        return f"write 'channels: {needed}' in 'project', or leave it out there"
    way = "project: auto" if node.channels else f"channels: {needed}"
    return f"write '{way}', so that a 1x1 convolution makes them equal"


def _check_output(node: Node, output: Feature) -> None:
    if output.level != node.level:
        raise Mismatch(f"comes out at level {output.level}, not at its level {node.level}")
    if node.channels and output.channels != node.channels:
        raise Mismatch(
            f"comes out with {output.channels} channels, but says 'channels: {node.channels}'",
            f"add a convolution to its 'op', such as '{{conv: {{kernel: 1}}}}', or write 'channels: {output.channels}'",
            "wrong-channels",
        )


def _edge_steps(edge: Edge, node: Node, source: Feature) -> EdgeSteps:
    ratio = 1 << abs(source.level - node.level)
    path = () if source.level == node.level else edge.down if source.level < node.level else edge.up
    if source.channels == UNKNOWN:
        return EdgeSteps(edge, (), _expected(edge, node, source, path, ratio))
    projects = _projects(edge, node, source, path, ratio)
    output = source
    steps: list[Step] = []
    for project in (True, False) if edge.order == "project_first" else (False, True):
        if not project:
            steps += _resampling(path, output, node, ratio)
        elif projects:
            steps += _projection(edge, node, output)
        output = steps[-1].output if steps else source
    if output.level != node.level:
        raise Mismatch(f"comes out at level {output.level}, not at the node's level {node.level}")
    return EdgeSteps(edge, tuple(steps), output)


def _resampling(path: Sequence[Operator], source: Feature, node: Node, ratio: int) -> list[Step]:
    return list(_chain(path, source, node, ratio, channels=_wanted(node) or source.channels))


def _wanted(node: Node) -> int | None:
    """The channels that every edge of the node must bring; None where the fusion takes any."""
    return node.channels if node.fusion.equal_channels else None


def _expected(edge: Edge, node: Node, source: Feature, path: Sequence[Operator], ratio: int) -> Feature:
    """What an edge brings from a source of unknown channels, as far as a projection makes it certain."""
    projection = edge.projection
    projected = projection.channels or (node.channels if projection.when == "always" else None)
    if projection.when == "never" or not projected:
        wanted = None if projection.when == "never" else _wanted(node)
        return Feature(node.level, wanted or UNKNOWN)
    if edge.order == "resample_first":
        return Feature(node.level, projected)
    steps = _resampling(path, Feature(source.level, projected), node, ratio)
    return Feature(node.level, steps[-1].output.channels if steps else projected)


def _projects(edge: Edge, node: Node, source: Feature, path: Sequence[Operator], ratio: int) -> bool:
    if edge.projection.when != "auto":
        return edge.projection.when == "always"
    if edge.projection.channels:
        return source.channels != edge.projection.channels
    wanted = _wanted(node)
    if wanted is None or source.channels == wanted:
        return False
    steps = _resampling(path, source, node, ratio)
    return not steps or steps[-1].output.channels != wanted


def _projection(edge: Edge, node: Node, source: Feature) -> list[Step]:
    projection = edge.projection
    channels = projection.channels or node.channels
    if channels is None:
        hint = "set 'channels' of the node or of 'project'"
        raise Mismatch("a projection needs a number of channels", hint, "channels-unknown")
    bias = not projection.norm if projection.bias == "auto" else projection.bias
    layers: list[Layer] = [Conv(kernel=1, bias=bias)]
    if projection.norm:
        layers.append(node.norm)
    return list(_chain(layers, source, node, 1, channels=channels))


def _chain(
    layers: Sequence[Operator], feature: Feature, node: Node, ratio: int, channels: int | None = None
) -> Iterator[Step]:
    """The layers one after the other; a convolution has no bias by itself where a norm comes next."""
    for position, layer in enumerate(layers):
        bias = not any(isinstance(following, Norm) for following in layers[position + 1 : position + 2])
        site = Site(channels or node.channels, ratio if isinstance(layer, Resampler) else 1, node.padding, bias)
        if feature.channels == UNKNOWN:
            return
        step = _step(layer, (feature,), site)
        feature = step.output
        yield step


def _step(op: Operator, inputs: tuple[Feature, ...], site: Site) -> Step:
    try:
        return Step(op, inputs, site, op.infer(inputs, site))
    except Mismatch as mismatch:
        raise Mismatch(f"{op.name!r} {mismatch.reason}", mismatch.hint, mismatch.code) from None
