"""What is odd about a graph but has a meaning: a warning for each, once for its place in the file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from fpngraph.errors import Problem, Span
from fpngraph.graph.nodes import Edge, Node
from fpngraph.language.expand import Expansion
from fpngraph.ops import Operator
from fpngraph.ops.base import Free

T = TypeVar("T")


def oddities(expansion: Expansion, needed: Collection[str]) -> Iterator[Problem]:
    """Warnings about what an expansion says; ``needed`` are the nodes and inputs that some output depends on."""
    nodes = {node.name: node for node in expansion.nodes}
    levels = {entry.name: entry.level for entry in expansion.inputs} | {name: n.level for name, n in nodes.items()}
    used = {f"{stage.name}.": stage.span for stage in expansion.stages if stage.used}
    own = [node for node in expansion.nodes if not node.name.startswith(tuple(used))]
    yield from _unused(expansion, needed, used)
    yield from _other_levels(expansion, levels)
    yield from _single([node for node in own if node.name in needed])  # of those of a used graph it has said so itself
    yield from _twice(own, nodes, levels)


def _unused(expansion: Expansion, needed: Collection[str], used: Mapping[str, Span]) -> Iterator[Problem]:
    """Nodes that no output depends on, and inputs that nobody reads; those of a used graph where it is used."""
    spans = {node.name: node.span for node in expansion.nodes if node.name not in needed}
    for stem, span in used.items():
        spans |= dict.fromkeys((name for name in spans if name.startswith(stem)), span)
    for place, names in _by_place((span, repr(name)) for name, span in spans.items()):
        what, who = (f"node {names[0]} is", "it") if len(names) == 1 else (f"nodes {_listed(names)} are", "them")
        message = f"{what} left out, since no output depends on {who}"
        yield Problem("unused-node", message, place, severity="warning")
    unread = (entry for entry in expansion.inputs if entry.name not in needed)
    for place, names in _by_place((entry.span, repr(entry.name)) for entry in unread):
        message = f"nobody reads the input{'s' * (len(names) > 1)} {_listed(names)}"
        yield Problem("unused-input", message, place, severity="warning")


def _other_levels(expansion: Expansion, levels: Mapping[str, int]) -> Iterator[Problem]:
    """Outputs whose names say another level than their nodes have."""
    found = [(output, levels[output.source]) for output in expansion.outputs]
    odd = [
        (output.span, f"{output.name!r} is at level {level}")
        for output, level in found
        if output.key[1] not in (None, level)
    ]
    for span, said in _by_place(odd):
        yield Problem("output-level", f"output {_listed(said)}", span, "the name says another level", "warning")


def _single(nodes: Iterable[Node]) -> Iterator[Problem]:
    """Nodes of one input whose fusion learns a weight for it."""
    for span, family in _by_place((node.span, node) for node in nodes):
        alone = [node for node in family if len(node.edges) == 1 and node.fusion.weighted]
        if alone:
            name, fusion = alone[0].name, alone[0].fusion.name
            message = f"node {name!r} has one input, but its fusion {fusion!r} learns a weight for it"
            yield Problem("one-weighted-input", message, span, _without_a_weight(alone, family), "warning")


def _without_a_weight(alone: Sequence[Node], family: Sequence[Node]) -> str:
    """What to write such that the rest of a family stays as it is."""
    member = alone[0].member
    others = [node for node in family if node not in alone]
    if not others:
        return "write 'fusion: sum'"
    if any(node.member == member for node in others):
        return "other runs of it have more inputs, and the same fusion"
    return f"give {member!r} an entry of its own with 'fusion: sum'; in this one it would hold for all members"


def _twice(own: Iterable[Node], nodes: Mapping[str, Node], levels: Mapping[str, int]) -> Iterator[Problem]:
    """Edges that bring a map again in the same way, without anything that could tell them apart."""
    found: list[tuple[Span | None, tuple[Node, Edge]]] = []
    for node in own:
        first: dict[str, Edge] = {}
        for edge in node.edges:
            before = first.setdefault(edge.source, edge)
            path, path_before = (it.path(levels[it.source], node.level) for it in (edge, before))
            same = (path, edge.projection, edge.order) == (path_before, before.projection, before.order)
            channels = nodes[edge.source].channels if edge.source in nodes else None
            if before is not edge and same and not _learns(edge, node, path, channels):
                found.append((edge.span, (node, edge)))
    for span, [(node, edge), *_] in _by_place(found):
        hint = "both edges do the same and learn nothing, so that the map counts twice"
        yield Problem("reads-twice", f"node {node.name!r} reads {edge.source!r} twice", span, hint, "warning")


def _learns(edge: Edge, node: Node, path: Sequence[Operator], source: int | None) -> bool:
    """Whether an edge has weights of its own; ``source`` are the channels that come in, None where nobody says."""
    projection = edge.projection
    wanted = projection.channels or (node.channels if node.fusion.equal_channels else None)
    projects = projection.when == "always" or (projection.when == "auto" and wanted not in (None, source))
    return node.fusion.weighted or projects or not all(isinstance(layer, Free) for layer in path)


def _by_place(found: Iterable[tuple[Span | None, T]]) -> Iterable[tuple[Span | None, list[T]]]:
    """What is found, gathered by its place."""
    places: dict[Span | None, list[T]] = {}
    for span, what in found:
        places.setdefault(span, []).append(what)
    return places.items()


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
