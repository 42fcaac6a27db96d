"""From a name to where it is declared and to where it is used, in a file and in those that it uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path as File

from lsprotocol import types
from pygls.uris import from_fs_path

from fpngraph.editor.documents import Document, Documents
from fpngraph.editor.names import Occurrence, occurrences
from fpngraph.editor.places import Leaf, holds, leaf_at
from fpngraph.editor.scope import scope_at
from fpngraph.errors import Span
from fpngraph.language.members import key_of
from fpngraph.language.yaml.value import Value


def name_at(document: Document, position: types.Position) -> Occurrence | None:
    """The name at a position: a parameter in an index, before the family that it is an index of."""
    line, column = document.now.lines.at(position)
    inside = [it for it in document.names if holds(it.whole, line, column)]
    return min(inside, key=lambda it: it.whole.end - it.whole.column, default=None)


def definitions(documents: Documents, document: Document, position: types.Position) -> list[types.Location]:
    """Where the name at a position is declared; of a reference, as far as its index says which member it is."""
    name = name_at(document, position)
    if name is not None:
        same = [it for it in document.names if it.symbol == name.symbol and it.declares]
        found = _read_here(document, name) or [it.whole for it in same]
        if found:
            return [types.Location(document.uri, document.now.lines.range(span)) for span in found]
    tree = document.now.tree
    line, column = document.now.lines.at(position)
    leaf = leaf_at(tree, line, column) if tree else None
    return list(_in_used(documents, document, tree, leaf)) if tree and leaf else []


def _read_here(document: Document, name: Occurrence) -> list[Span]:
    """The declarations of the nodes that are read by a reference, as the graph has it."""
    if document.graph is None or name.declares or name.kind not in ("family", "node") or name.home:
        return []
    graph = document.graph
    edges = [edge for node in graph.nodes.values() for edge in node.edges if edge.span == name.said]
    sources = [edge.source for edge in edges if key_of(edge.reference)[0] == name.text]
    spans = [graph.nodes[it].span if it in graph.nodes else graph.inputs[it].span for it in sources]
    return list(dict.fromkeys(span for span in spans if span and span.file == document.called))


def _in_used(documents: Documents, document: Document, tree: Value, leaf: Leaf) -> Iterator[types.Location]:
    """Where a used graph has what a stage says of it: the file, a preset, a parameter, an input."""
    scope = scope_at(documents, document, tree, leaf.path)
    last = scope.path[2:]
    place, values = scope.used(scope.stage)
    text = documents.text(place) if place else None
    if values is None or place is None or text is None:
        return
    spans: Iterable[Span] = ()
    if last == ("use",):
        spans = [Span(str(place), 1, 1, 1, "")]
    elif last == ("preset",):
        spans = _declared(values, "preset", str(leaf.value.data))
    elif last[:1] == ("params",) and len(last) == 2:
        spans = _declared(values, "parameter", str(last[1]))
    elif last[:1] == ("inputs",) and len(last) == 2 and leaf.is_key:
        spans = _declared(values, "family", key_of(str(last[1]).partition("(")[0])[0])
    for span in spans:
        yield types.Location(_uri(documents, place), text.lines.range(span))


def _declared(values: Value, kind: str, name: str) -> list[Span]:
    """Where a graph first declares a name."""
    return [it.whole for it in occurrences(values) if it.kind == kind and it.text == name and it.declares][:1]


def _uri(documents: Documents, place: File) -> str:
    there = documents.at(place)
    return there.uri if there else from_fs_path(str(place)) or ""


def references(document: Document, position: types.Position, *, declarations: bool) -> list[types.Location]:
    """Everywhere that the name at a position stands in its file."""
    name = name_at(document, position)
    same = [it for it in document.names if name and it.symbol == name.symbol and (declarations or not it.declares)]
    return [types.Location(document.uri, document.now.lines.range(it.whole)) for it in same]
