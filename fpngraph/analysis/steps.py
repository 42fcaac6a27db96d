"""What one node does, operator by operator: the channels and level that go into each and come out."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from fpngraph.errors import GraphError, Problem
from fpngraph.feature import Feature
from fpngraph.graph.nodes import Edge, Node
from fpngraph.ops import Layer, Mismatch, Operator, Site
from fpngraph.ops.conv import Conv
from fpngraph.ops.steps import UNKNOWN, Step, numbered, step, steps

PROJECT = "project"
"""The name of the module that has an edge's projection; keys of its steps are ``project.conv``, ``project.norm``."""


@dataclass(frozen=True, slots=True)
class EdgeSteps:
    """What an edge does to its source, in the order of application."""

    edge: Edge
    key: str
    """The name of its module in the node's ``edges``: that of its source."""
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

    def __iter__(self) -> Iterator[Step]:
        """All of them in their order."""
        for edge in self.edges:
            yield from edge.steps
        yield self.fusion
        yield from self.op

    def of(self, node: Node) -> NodeSteps:
        """Those of another node that does the same to other maps, as in the next run of a stage."""
        edges = zip(node.edges, self.edges, strict=True)
        return NodeSteps(
            node,
            tuple(EdgeSteps(edge, same.key, same.steps, same.output) for edge, same in edges),
            self.fusion,
            self.op,
            self.output,
        )


def identity(node: Node) -> tuple[Hashable, ...]:
    """Equal for two nodes that are there if they do the same to maps of equal features.

    Settings of equal nodes are mostly the same objects. To compare what they say would take longer than to work out
    their steps.
    """
    settings = [node.fusion, node.op, node.norm, node.act, node.init]
    for edge in node.edges:
        settings += [edge.down, edge.up, edge.lateral, edge.projection]
    edges = ((edge.reference, edge.order) for edge in node.edges)
    return (node.level, node.channels, node.padding, node.single, *edges, *map(id, settings))


def node_steps(node: Node, sources: Sequence[Feature]) -> NodeSteps:
    """The steps of a node whose edges come from ``sources``. Raises GraphError with every mismatch."""
    edges: list[EdgeSteps] = []
    problems: list[Problem] = []
    named = numbered((edge.reference, edge) for edge in node.edges)
    for (key, edge), source in zip(named.items(), sources, strict=True):
        try:
            edges.append(_edge_steps(edge, key, node, source))
        except Mismatch as mismatch:
            message = f"node {node.name!r}, edge from {edge.source!r}: {mismatch.reason}"
            problems.append(Problem(mismatch.code, message, edge.span, mismatch.hint))
    if not problems:
        problems.extend(_unequal(node, edges))
    if problems:
        raise GraphError(problems)
    try:
        fused = _fused(node, tuple(edge.output for edge in edges))
        op = tuple(steps(node.op, fused.output, _site(node)))
        output = op[-1].output if op else fused.output
        if output.channels == UNKNOWN:
            output = Feature(node.level, node.channels or UNKNOWN)
        _check_output(node, output)
    except Mismatch as mismatch:
        message = f"node {node.name!r}: {mismatch.reason}"
        raise GraphError([Problem(mismatch.code, message, node.span, mismatch.hint)]) from mismatch
    return NodeSteps(node, tuple(edges), fused, op, output)


def _fused(node: Node, features: tuple[Feature, ...]) -> Step:
    takes = node.fusion.takes
    if takes is not None and len(features) != takes:
        inputs, hint = f"{len(features)} inputs", "join some of them in a node of their own"
        if len(features) == 1:
            inputs, hint = "one input", "write 'fusion: sum', which does nothing to one map"
        raise Mismatch(f"{node.fusion.name!r} joins {takes} maps, but the node has {inputs}", hint)
    site = _site(node)
    if any(feature.channels == UNKNOWN for feature in features):
        wanted = None if _is_bare(node) else _wanted(node)
        return Step(node.fusion, features, site, Feature(node.level, wanted or UNKNOWN), "fusion")
    return step(node.fusion, features, site, "fusion")


def _unequal(node: Node, edges: Sequence[EdgeSteps]) -> Iterator[Problem]:
    """A problem for every edge that brings other channels than a fusion of equal ones needs."""
    if not node.fusion.equal_channels or _is_bare(node):
        return
    edges = [edge for edge in edges if edge.output.channels != UNKNOWN]
    if not edges:
        return
    first = edges[0]
    needed = node.channels or first.output.channels
    why = "the node's channels" if node.channels else f"what {first.edge.source!r} brings"
    for edge in edges:
        if edge.output.channels != needed:
            message = (
                f"node {node.name!r}: the edge from {edge.edge.source!r} brings {edge.output.channels} channels, "
                f"but {node.fusion.name!r} needs {needed}, {why}"
            )
            hint = f"{_way_out(edge.edge, node, needed)}, or fuse with 'concat'"
            yield Problem("channels-unequal", message, edge.edge.span, hint)


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


def _site(node: Node, channels: int | None = None, ratio: int = 1) -> Site:
    """What a node says of what stands in it; an edge may want other channels."""
    return Site(channels or node.channels, ratio, node.padding, norm=node.norm, act=node.act, init=node.init)


def _edge_steps(edge: Edge, key: str, node: Node, source: Feature) -> EdgeSteps:
    ratio = 1 << abs(source.level - node.level)
    path = edge.path(source.level, node.level)
    if source.channels == UNKNOWN:
        return EdgeSteps(edge, key, (), _expected(edge, node, source, path, ratio))
    projects = _projects(edge, node, source, path, ratio)
    output = source
    done: list[Step] = []
    for project in (True, False) if edge.order == "project_first" else (False, True):
        if not project:
            done += _resampling(path, output, node, ratio)
        elif projects:
            done += _projection(edge, node, output)
        output = done[-1].output if done else source
    if output.level != node.level:
        raise Mismatch(f"comes out at level {output.level}, not at the node's level {node.level}")
    return EdgeSteps(edge, key, tuple(done), output)


def _resampling(path: Sequence[Operator], source: Feature, node: Node, ratio: int) -> list[Step]:
    return list(steps(path, source, _site(node, _wanted(node) or source.channels, ratio)))


def _wanted(node: Node) -> int | None:
    """The channels that every edge of the node must bring; None where the fusion takes any."""
    return node.channels if node.fusion.equal_channels else None


def _is_bare(node: Node) -> bool:
    """Whether the one input of a node is left as it is, since a layer of its op gives the node's channels anyway."""
    return node.single and any(_gives(layer, node) for layer in node.op)


def _gives(layer: Operator, node: Node) -> bool:
    """Whether a layer gives the node's channels of whatever comes in, be it two or three times as many."""
    try:
        wider = (Feature(node.level, times * (node.channels or 1)) for times in (2, 3))
        given = [step.output for feature in wider for step in steps([layer], feature, _site(node))]
    except Mismatch:
        return False
    return all(output.channels == node.channels for output in given)


def _expected(edge: Edge, node: Node, source: Feature, path: Sequence[Operator], ratio: int) -> Feature:
    """What an edge brings from a source of unknown channels, as far as a projection makes it certain."""
    projection = edge.projection
    projected = projection.channels or (node.channels if projection.when == "always" else None)
    if projection.when == "never" or not projected:
        wanted = None if projection.when == "never" or _is_bare(node) else _wanted(node)
        return Feature(node.level, wanted or UNKNOWN)
    if edge.order == "resample_first":
        return Feature(node.level, projected)
    done = _resampling(path, Feature(source.level, projected), node, ratio)
    return Feature(node.level, done[-1].output.channels if done else projected)


def _projects(edge: Edge, node: Node, source: Feature, path: Sequence[Operator], ratio: int) -> bool:
    if edge.projection.when != "auto":
        return edge.projection.when == "always"
    if edge.projection.channels:
        return source.channels != edge.projection.channels
    wanted = _wanted(node)
    if wanted is None or source.channels == wanted or _is_bare(node):
        return False
    done = _resampling(path, source, node, ratio)
    return not done or done[-1].output.channels != wanted


def may_project(edge: Edge, node: Node) -> bool:
    """Whether it depends on the channels of its source if the edge has a projection."""
    if edge.projection.when != "auto":
        return False
    return edge.projection.channels is not None or (_wanted(node) is not None and not _is_bare(node))


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
    done = steps(layers, source, _site(node, channels))
    return [replace(it, key=f"{PROJECT}.{it.key}") for it in done]
