"""Channels and levels of every edge and node, worked out before torch is imported."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from fpngraph.analysis.steps import NodeSteps, identity, node_steps
from fpngraph.codes import Code
from fpngraph.errors import GraphError, Problem, Span
from fpngraph.feature import Feature
from fpngraph.graph.graph import Graph, check_is_graph
from fpngraph.language.limits import MAX_INTEGER
from fpngraph.ops.steps import UNKNOWN

InChannels = Sequence[int] | Mapping[str, int]


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

    >>> fpngraph.infer(fpngraph.load("bifpn", repeats=1), [40, 112, 320])["bifpn.0.td3"]
    Feature(level=3, channels=64)
    """
    lowered = lower(graph, in_channels)
    return dict(lowered.inputs) | {name: steps.output for name, steps in lowered.nodes.items()}


def check(graph: Graph) -> None:
    """Raises GraphError with every mismatch that there is whatever the channels of the inputs are."""
    lower_unknown(graph)


def lower_unknown(graph: Graph) -> Lowered:
    """The steps that are there whatever the channels of the inputs are, which are 0 here. Raises as ``check`` does."""
    return _lower(graph, {name: Feature(entry.level, UNKNOWN) for name, entry in graph.inputs.items()})


def lower(graph: Graph, in_channels: InChannels) -> Lowered:
    """Every step of every node with the features that go in and come out. Raises GraphError as ``infer`` does."""
    check_is_graph(graph)
    return _lower(graph, _input_features(graph, in_channels))


def _lower(graph: Graph, inputs: Mapping[str, Feature]) -> Lowered:
    nodes: dict[str, NodeSteps] = {}
    lowered = Lowered(graph, inputs, nodes)
    problems: dict[Span | None, Problem] = {}  # of members and runs that say the same, the first
    alike: dict[Hashable, NodeSteps] = {}
    for node in graph.nodes.values():
        if all(edge.source in inputs or edge.source in nodes for edge in node.edges):
            sources = [lowered.feature(edge.source) for edge in node.edges]
            likeness = (*sources, *identity(node))
            try:
                if likeness in alike:
                    nodes[node.name] = alike[likeness].of(node)
                else:
                    nodes[node.name] = alike[likeness] = node_steps(node, sources)
            except GraphError as error:
                for problem in error.problems:
                    problems.setdefault(problem.span, problem)
    if problems:
        raise GraphError(problems.values())
    return lowered


def _input_features(graph: Graph, in_channels: InChannels) -> dict[str, Feature]:
    levels = {name: entry.level for name, entry in graph.inputs.items()}
    wanted = f"graph {graph.name!r} has the inputs {', '.join(levels)}"
    if not isinstance(in_channels, Mapping | Sequence) or isinstance(in_channels, str):
        raise _wrong(f"is {in_channels!r}, not a number per input, but {wanted}")
    if not isinstance(in_channels, Mapping):
        if len(in_channels) != len(levels):
            raise _wrong(f"has {len(in_channels)} numbers, but {wanted}")
        in_channels = dict(zip(levels, in_channels, strict=True))
    if set(in_channels) != set(levels):
        raise _wrong(f"names {', '.join(map(str, in_channels)) or 'nothing'}, but {wanted}")
    for name, channels in in_channels.items():
        if isinstance(channels, bool) or not isinstance(channels, int) or channels < 1:
            raise _wrong(f"of {name!r} is {channels!r}, not a positive integer")
        if channels > MAX_INTEGER:
            raise _wrong(f"of {name!r} is beyond {MAX_INTEGER}, the largest integer", "number-too-large")
    return {name: Feature(level, in_channels[name]) for name, level in levels.items()}


def _wrong(what: str, code: Code = "in-channels") -> GraphError:
    return GraphError([Problem(code, f"in_channels {what}")])
