"""From the nodes of a file to a graph: in the order of what they read, without cycles and without what nobody needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from fpngraph.errors import GraphError, Problem, Span
from fpngraph.graph.graph import Graph, digraph_of
from fpngraph.graph.nodes import GraphStage, Node
from fpngraph.language.expand import Expansion
from fpngraph.language.limits import MAX_PROBLEMS
from fpngraph.language.members import Binding, Key, Stage, text_of
from fpngraph.language.problems import Problems

if TYPE_CHECKING:
    import networkx

_LONGEST = 20  # nodes of a cycle that an error lists


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
    needed = _needed(digraph, order, set(outputs.values()))
    warnings = [*expansion.warnings, *_unused(expansion, needed), *_other_levels(expansion, nodes)]
    return Graph(
        name=expansion.spec.name,
        description=expansion.spec.description,
        source=expansion.spec.source,
        inputs={entry.name: entry for entry in expansion.inputs},
        nodes={name: nodes[name] for name in order if name in nodes and name in needed},
        outputs=outputs,
        warnings=tuple(sorted(warnings, key=lambda warning: warning.place)),
        stages=tuple(_stage(stage, expansion) for stage in expansion.stages),
    )


def _stage(stage: Stage, expansion: Expansion) -> GraphStage:
    """What a stage as declared comes to: of each output the names that some run chose."""
    if stage.outputs is None:
        return GraphStage(stage.name, stage.repeat, None)
    chosen = (expansion.choices[stage.name, position] for position in range(len(stage.outputs)))
    return GraphStage(stage.name, stage.repeat, dict(map(_binding, stage.outputs, chosen)))


def _binding(output: Binding, chosen: Collection[Key]) -> tuple[str, tuple[str, ...]]:
    found = tuple(text_of(key) for key in output.candidates.keys if key in chosen)
    return (text_of(output.key) if output.key else found[0]), tuple(dict.fromkeys(found))


def _needed(digraph: networkx.DiGraph[str], order: Sequence[str], outputs: Collection[str]) -> set[str]:
    """Those that some output depends on."""
    needed: set[str] = set()
    for name in reversed(order):
        if name in outputs or any(reader in needed for reader in digraph.successors(name)):
            needed.add(name)
    return needed


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


def _unused(expansion: Expansion, needed: Collection[str]) -> Iterator[Problem]:
    """A warning per place of nodes that no output depends on, and of inputs that nobody reads."""
    for span, names in _by_place((node.span, repr(node.name)) for node in expansion.nodes if node.name not in needed):
        what, who = (f"node {names[0]} is", "it") if len(names) == 1 else (f"nodes {_listed(names)} are", "them")
        message = f"{what} left out, since no output depends on {who}"
        yield Problem("unused-node", message, span, severity="warning")
    for span, names in _by_place(
        (entry.span, repr(entry.name)) for entry in expansion.inputs if entry.name not in needed
    ):
        message = f"nobody reads the input{'s' * (len(names) > 1)} {_listed(names)}"
        yield Problem("unused-input", message, span, severity="warning")


def _other_levels(expansion: Expansion, nodes: Mapping[str, Node]) -> Iterator[Problem]:
    """A warning per place of outputs whose names say another level than their nodes have."""
    levels = {entry.name: entry.level for entry in expansion.inputs} | {name: n.level for name, n in nodes.items()}
    found = [(output, levels[output.source]) for output in expansion.outputs]
    odd = [
        (output.span, f"{output.name!r} is at level {level}")
        for output, level in found
        if output.key[1] not in (None, level)
    ]
    for span, said in _by_place(odd):
        yield Problem("output-level", f"output {_listed(said)}", span, "the name says another level", "warning")


def _by_place(found: Iterable[tuple[Span | None, str]]) -> Iterable[tuple[Span | None, list[str]]]:
    """What is found, gathered by its place."""
    places: dict[Span | None, list[str]] = {}
    for span, what in found:
        places.setdefault(span, []).append(what)
    return places.items()


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
