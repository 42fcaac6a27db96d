"""Channels and levels of every edge and node, worked out before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fpngraph.errors import GraphError, Problem, Span
from fpngraph.feature import Feature
from fpngraph.graph import Edge, Graph, Node
from fpngraph.ops import Layer, Mismatch, Norm, Operator, Resampler, Site
from fpngraph.ops.layer import Conv

InChannels = Sequence[int] | Mapping[str, int]
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


@dataclass(frozen=True, slots=True)
class Lowered:
    """A graph with the channels of its inputs known: every step of every node, in topological order."""

    graph: Graph
    inputs: Mapping[str, Feature]
    nodes: Mapping[str, NodeSteps]

    def feature(self, name: str) -> Feature:
        """The feature of an input or of a node by its full name."""
        return self.inputs[name] if name in self.inputs else self.nodes[name].output


def infer(graph: Graph, in_channels: InChannels) -> dict[str, Feature]:
    """Level and channels of every input and node, by (full) name.

    ``in_channels`` is a number per input of the graph, in their order or by their names.
    Raises GraphError with every mismatch: both ends, what each has, and what would fix it.
    """
    lowered = lower(graph, in_channels)
    return dict(lowered.inputs) | {name: steps.output for name, steps in lowered.nodes.items()}


def check(graph: Graph) -> None:
    """Raises GraphError with every mismatch that there is whatever the channels of the inputs are."""
    _lower(graph, {name: Feature(entry.level, UNKNOWN) for name, entry in graph.inputs.items()})


def lower(graph: Graph, in_channels: InChannels) -> Lowered:
    """Every step of every node with the features that go in and come out. Raises GraphError as ``infer`` does."""
    return _lower(graph, _input_features(graph, in_channels))


def _lower(graph: Graph, inputs: Mapping[str, Feature]) -> Lowered:
    nodes: dict[str, NodeSteps] = {}
    lowered = Lowered(graph, inputs, nodes)
    problems: dict[Span | None, Problem] = {}  # of members and runs that say the same, the first
    for node in graph.nodes.values():
        if all(edge.source in inputs or edge.source in nodes for edge in node.edges):
            try:
                nodes[node.name] = _lower_node(node, lowered)
            except GraphError as error:
                for problem in error.problems:
                    problems.setdefault(problem.span, problem)
    if problems:
        raise GraphError(problems.values())
    return lowered


def _input_features(graph: Graph, in_channels: InChannels) -> dict[str, Feature]:
    levels = {name: entry.level for name, entry in graph.inputs.items()}
    wanted = f"graph {graph.name!r} has the inputs {', '.join(levels)}"
    if not isinstance(in_channels, Mapping):
        if len(in_channels) != len(levels):
            raise GraphError([Problem(f"in_channels has {len(in_channels)} numbers, but {wanted}")])
        in_channels = dict(zip(levels, in_channels, strict=True))
    if set(in_channels) != set(levels):
        raise GraphError([Problem(f"in_channels names {', '.join(map(str, in_channels)) or 'nothing'}, but {wanted}")])
    for name, channels in in_channels.items():
        if isinstance(channels, bool) or not isinstance(channels, int) or channels < 1:
            raise GraphError([Problem(f"in_channels of {name!r} is {channels!r}, not a positive integer")])
    return {name: Feature(level, in_channels[name]) for name, level in levels.items()}


def _lower_node(node: Node, lowered: Lowered) -> NodeSteps:
    edges: list[EdgeSteps] = []
    problems: list[Problem] = []
    for edge in node.edges:
        try:
            edges.append(_lower_edge(edge, node, lowered.feature(edge.source)))
        except Mismatch as mismatch:
            message = f"node {node.name!r}, edge from {edge.source!r}: {mismatch.reason}"
            problems.append(Problem(message, edge.span, mismatch.hint))
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
        raise GraphError([Problem(f"node {node.name!r}: {mismatch.reason}", node.span, mismatch.hint)]) from mismatch
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
            way = "project: auto" if node.channels else f"channels: {needed}"
            message = (
                f"node {node.name!r}: the edge from {steps.edge.source!r} brings {steps.output.channels} channels, "
                f"but {node.fusion.name!r} needs {needed}, {why}"
            )
            hint = f"write '{way}', so that a 1x1 convolution makes them equal, or fuse with 'concat'"
            yield Problem(message, steps.edge.span, hint)


def _check_output(node: Node, output: Feature) -> None:
    if output.level != node.level:
        raise Mismatch(f"comes out at level {output.level}, not at its level {node.level}")
    if node.channels and output.channels != node.channels:
        raise Mismatch(
            f"comes out with {output.channels} channels, but says 'channels: {node.channels}'",
            f"add a convolution to its 'op', such as '{{conv: {{kernel: 1}}}}', or write 'channels: {output.channels}'",
        )


def _lower_edge(edge: Edge, node: Node, source: Feature) -> EdgeSteps:
    ratio = 1 << abs(source.level - node.level)
    path = () if source.level == node.level else edge.down if source.level < node.level else edge.up
    if source.channels == UNKNOWN:
        return EdgeSteps(edge, (), Feature(node.level, _expected(edge, node)))
    projects = _projects(edge, node, source, path, ratio)
    output = source
    steps: list[Step] = []
    for project in (True, False) if edge.order == "project_first" else (False, True):
        if not project:
            steps += _chain(path, output, node, ratio, channels=_wanted(node) or output.channels)
        elif projects:
            steps += _projection(edge, node, output)
        output = steps[-1].output if steps else source
    if output.level != node.level:
        raise Mismatch(f"comes out at level {output.level}, not at the node's level {node.level}")
    return EdgeSteps(edge, tuple(steps), output)


def _wanted(node: Node) -> int | None:
    """The channels that every edge of the node must bring; None where the fusion takes any."""
    return node.channels if node.fusion.equal_channels else None


def _expected(edge: Edge, node: Node) -> int:
    """What an edge brings from a source of unknown channels: what a projection makes of them, if there can be one."""
    if edge.projection.when == "never":
        return UNKNOWN
    if edge.projection.channels:
        return edge.projection.channels
    wanted = node.channels if edge.projection.when == "always" else _wanted(node)
    return wanted or UNKNOWN


def _projects(edge: Edge, node: Node, source: Feature, path: Sequence[Layer | Resampler], ratio: int) -> bool:
    if edge.projection.when != "auto":
        return edge.projection.when == "always"
    if edge.projection.channels:
        return source.channels != edge.projection.channels
    wanted = _wanted(node)
    if wanted is None or source.channels == wanted:
        return False
    resampled = [source, *(step.output for step in _chain(path, source, node, ratio, channels=wanted))]
    return resampled[-1].channels != wanted


def _projection(edge: Edge, node: Node, source: Feature) -> list[Step]:
    projection = edge.projection
    channels = projection.channels or node.channels
    if channels is None:
        raise Mismatch("a projection needs a number of channels", "set 'channels' of the node or of 'project'")
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
    return Step(op, inputs, site, op.infer(inputs, site))
