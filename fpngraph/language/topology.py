"""From the nodes of a file to a graph: in the order of what they read, without cycles and without what nobody needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from fpngraph.errors import GraphError, Span
from fpngraph.graph.graph import Graph, GraphStage, digraph_of, needed
from fpngraph.graph.nodes import Node
from fpngraph.language.expand import Expansion, Given, Preset, expand
from fpngraph.language.limits import MAX_PROBLEMS
from fpngraph.language.members import Binding, Candidates, Key, Stage, text_of
from fpngraph.language.oddities import oddities
from fpngraph.language.problems import Problems
from fpngraph.language.uses import Uses
from fpngraph.language.yaml.value import Value

if TYPE_CHECKING:
    import networkx

_LONGEST = 20  # nodes of a cycle that an error lists


def graph_of(document: Value, preset: Preset, params: Given, uses: Uses) -> Graph:
    """The graph of a document. Raises GraphError with all problems of the first phase that has any."""
    return checked(expand(document, preset, params, uses))


def checked(expansion: Expansion) -> Graph:
    """The graph of an expansion: sorted, without the nodes that no output depends on, which are warned about.

    Raises GraphError with every cycle, its nodes in order.
    """
    nodes = {node.name: node for node in expansion.nodes}
    order = sorted_by_reading(nodes)
    if len(order) < len(nodes):
        raise _cycles(digraph_of(expansion.inputs, expansion.nodes), nodes)
    outputs = {output.name: output.source for output in expansion.outputs}
    names = needed(nodes, outputs.values())
    warnings = [*expansion.warnings, *oddities(expansion, names)]
    return Graph(
        name=expansion.spec.name,
        description=expansion.spec.description,
        source=expansion.spec.source,
        inputs={entry.name: entry for entry in expansion.inputs},
        nodes={name: nodes[name] for name in order if name in names},
        outputs=outputs,
        warnings=tuple(sorted(dict.fromkeys(warnings), key=lambda warning: warning.place)),
        stages=tuple(_stage(stage, expansion) for stage in expansion.stages),
    )


def sorted_by_reading(nodes: Mapping[str, Node]) -> list[str]:
    """The names of ``nodes``, each after those that it reads, as near to their own order as that lets them stand.

    Without those that depend on a cycle. networkx has the same, but takes half of a check's time to be imported.
    """
    names = list(nodes)
    sources = [{edge.source for edge in node.edges} & nodes.keys() for node in nodes.values()]
    readers: dict[str, list[int]] = defaultdict(list)
    for number, read in enumerate(sources):
        for source in read:
            readers[source].append(number)
    waiting = [len(read) for read in sources]
    ready = [number for number, count in enumerate(waiting) if count == 0]
    order: list[str] = []
    while ready:
        name = names[heappop(ready)]
        order.append(name)
        for reader in readers[name]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heappush(ready, reader)
    return order


def _stage(stage: Stage, expansion: Expansion) -> GraphStage:
    """What a stage as declared comes to: of each output the names that some run chose, if any did."""
    choices = expansion.choices
    chosen = [(output, choices.get((stage.name, number), ())) for number, output in enumerate(stage.outputs or ())]
    outputs = None if stage.outputs is None else dict(_binding(output, keys) for output, keys in chosen if keys)
    if stage.used is None:
        return GraphStage(stage.name, stage.repeat, outputs)
    inputs = {
        entry.name: _found(candidates, choices.get((stage.name, entry.name), ()))
        for entry, candidates in stage.used.inputs
    }
    return GraphStage(stage.name, stage.repeat, outputs, stage.used.graph, inputs)


def _binding(output: Binding, chosen: Collection[Key]) -> tuple[str, tuple[str, ...]]:
    found = _found(output.candidates, chosen)
    return (text_of(output.key) if output.key else found[0]), found


def _found(candidates: Candidates, chosen: Collection[Key]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text_of(key) for key in candidates.keys if key in chosen))


def _cycles(digraph: networkx.DiGraph[str], nodes: Mapping[str, Node]) -> GraphError:
    """One cycle for every set of nodes that all depend on each other, in the order in which they read."""
    import networkx as nx

    position = {name: number for number, name in enumerate(nodes)}
    problems = Problems()
    components = [part for part in nx.strongly_connected_components(digraph) if digraph.subgraph(part).size()]
    first = {min(component, key=position.__getitem__): component for component in components}
    for start in sorted(first, key=position.__getitem__)[: MAX_PROBLEMS - 1]:
        component = first[start]
        reads = nx.DiGraph((name, source) for name in component for source in digraph.pred[name] if source in component)
        cycle = nx.find_cycle(reads, start)
        spans = [_edge_span(nodes[name], source) for name, source in cycle]
        steps = [
            f"{name!r} (line {span.line if span else '?'}) reads" for (name, _), span in zip(cycle, spans, strict=True)
        ]
        if len(steps) > _LONGEST:
            steps[_LONGEST:] = [f"{len(steps) - _LONGEST} more nodes that read"]
        hint = "each node must be computable from the inputs; read an earlier node in one of these places"
        problems.once("cycle", f"a cycle: {' '.join(steps)} {cycle[0][0]!r}", spans[0], hint)
    return problems.error()


def _edge_span(node: Node, source: str) -> Span | None:
    return next(edge.span for edge in node.edges if edge.source == source)
