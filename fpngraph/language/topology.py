"""From the nodes of a file to a graph: in the order of what they read, without cycles and without what nobody needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
    import networkx as nx

    nodes = {node.name: node for node in expansion.nodes}
    digraph = digraph_of(expansion.inputs, expansion.nodes)
    if not nx.is_directed_acyclic_graph(digraph):
        raise _cycles(digraph, nodes)
    outputs = {output.name: output.source for output in expansion.outputs}
    position = {name: number for number, name in enumerate(digraph)}
    order = list(nx.lexicographical_topological_sort(digraph, key=position.__getitem__))
    names = needed(nodes, outputs.values())
    warnings = [*expansion.warnings, *oddities(expansion, names)]
    return Graph(
        name=expansion.spec.name,
        description=expansion.spec.description,
        source=expansion.spec.source,
        inputs={entry.name: entry for entry in expansion.inputs},
        nodes={name: nodes[name] for name in order if name in nodes and name in names},
        outputs=outputs,
        warnings=tuple(sorted(dict.fromkeys(warnings), key=lambda warning: warning.place)),
        stages=tuple(_stage(stage, expansion) for stage in expansion.stages),
    )


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
