"""Used graphs as they are in the graph that uses them now, to be written in its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fpngraph.graph.graph import Graph, GraphStage
from fpngraph.graph.nodes import Node
from fpngraph.language.placing import Placement


def current(graph: Graph, stage: GraphStage, used: Graph, scope: Mapping[str, str]) -> Graph:
    """The graph that a stage uses with the nodes that ``graph`` has of it in some run, and what these read.

    ``scope`` has the names that stand for something where the stage begins.
    """
    places = [Placement(str(stage.name), run, {}) for run in runs_of(stage)]
    nodes = {name: found for name, node in used.nodes.items() if (found := _now(graph, node, places))}
    inputs = {name for name, tried in stage.inputs.items() if scope.keys() & set(tried)}
    outputs = {name: source for name, source in used.outputs.items() if source in nodes or source in inputs}
    read = {edge.source for node in nodes.values() for edge in node.edges} | set(outputs.values())
    kept = {name: entry for name, entry in used.inputs.items() if name in read}
    return replace(used, inputs=kept, nodes=nodes, outputs=outputs)


def runs_of(stage: GraphStage) -> Sequence[int | None]:
    """The runs of a stage as its full names have them."""
    return (None,) if stage.repeat is None else range(stage.repeat)


def _now(graph: Graph, node: Node, places: Sequence[Placement]) -> Node | None:
    """A node of a used graph as the first run has it that has it."""
    found = next((graph.nodes[name] for place in places if (name := place.name(node.name)) in graph.nodes), None)
    if found is None:
        return None
    if [edge.reference for edge in found.edges] != [edge.reference for edge in node.edges]:
        raise _cannot(graph, found)
    edges = tuple(replace(edge, source=old.source) for edge, old in zip(found.edges, node.edges, strict=True))
    return replace(found, name=node.name, stage=node.stage, run=node.run, edges=edges)


def check_runs(graph: Graph, used: Graph, place: Placement) -> None:
    """Raises ValueError for a node that is not what the used graph makes of it at a place."""
    for node in place.nodes(used):
        if graph.nodes.get(node.name, node) != node:
            raise _cannot(graph, node)


def sources(stage: GraphStage, used: Graph, scope: Mapping[str, str]) -> dict[str, str]:
    """What each input of a used graph stands for in one run."""
    tried = {name: [scope[it] for it in stage.inputs[name] if it in scope] for name in used.inputs}
    return {name: found[0] for name, found in tried.items()}


def _cannot(graph: Graph, node: Node) -> ValueError:
    return ValueError(
        f"graph {graph.name!r} cannot be written: node {node.name!r} is not that of the graph which its stage uses"
    )
