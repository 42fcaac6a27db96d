"""Another name for a node, a family, a parameter, a stage or a preset, wherever a file has it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsprotocol import types

from fpngraph.editor.documents import Document, Documents, Text
from fpngraph.editor.names import Occurrence
from fpngraph.editor.navigation import name_at
from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph
from fpngraph.language.grammar.reference import is_name


class Refused(Exception):
    """Why something cannot be renamed so."""


def renamed_at(document: Document, position: types.Position) -> types.PrepareRenamePlaceholder | None:
    """The name that a rename at a position is about; None where there is none that can be changed."""
    name = name_at(document, position)
    if name is None or not _all(document, name):
        return None
    return types.PrepareRenamePlaceholder(document.now.lines.range(name.span), name.text)


def rename(documents: Documents, document: Document, position: types.Position, new: str) -> types.WorkspaceEdit:
    """The edit that gives the name at a position another text.

    Raises Refused where that is no name, where there is one already, and where the graph would be another one.
    """
    name = name_at(document, position)
    if name is None or not _all(document, name):
        raise Refused("there is no name here that can be changed")
    if document.problems and document.graph is None:
        raise Refused("the file has errors: what a name means is known once it has none")
    _check_text(document, name, new)
    spans = [it.span for it in _all(document, name)]
    text = _written(document.now, name, new)
    _check_same(documents, document, text)
    edits = [types.TextEdit(document.now.lines.range(span), new) for span in spans]
    return types.WorkspaceEdit({document.uri: list(edits)})


def _all(document: Document, name: Occurrence) -> list[Occurrence]:
    """Every place of a name; none where the file does not declare it."""
    found = [it for it in document.names if it.symbol == name.symbol]
    return found if any(it.declares for it in found) else []


def _check_text(document: Document, name: Occurrence, new: str) -> None:
    if name.kind == "preset":
        if not re.fullmatch(r"[A-Za-z_][\w.-]*", new):
            raise Refused(f"{new!r} is no name of a preset: write letters, digits, '_', '-' and '.'")
    elif not is_name(new):
        raise Refused(f"{new!r} is no name: write letters, digits and '_', no digit first")
    if name.kind == "family" and new[-1].isdigit():
        raise Refused(f"{new!r} ends in a digit, which would be an index: the name of a family does not")
    if name.kind == "node" and new[-1].isdigit():
        raise Refused(f"{new!r} ends in a digit, which would be an index: this name has none")
    if any(it.text == new and _kind(it) == _kind(name) and it.home == name.home for it in document.names):
        raise Refused(f"the file has the name {new!r} already")


def _kind(name: Occurrence) -> str:
    return "node" if name.kind == "family" else name.kind


def _written(text: Text, name: Occurrence, new: str) -> str:
    """The text with another name."""
    parts = re.split("(\r\n|[\n\r])", text.text)  # lines, and what ends each
    mark = len(text.text) - len(text.text.removeprefix("\ufeff"))
    spans = {it.span for it in text.names if it.symbol == name.symbol}
    for span in sorted(spans, key=lambda it: it.column, reverse=True):
        line = parts[2 * span.line - 2]
        shift = mark if span.line == 1 else 0
        parts[2 * span.line - 2] = line[: span.column - 1 + shift] + new + line[span.end - 1 + shift :]
    return "".join(parts)


def _check_same(documents: Documents, document: Document, text: str) -> None:
    """Raises Refused unless the renamed text is the same graph, but for names."""
    try:
        after = documents.graph_of(document, Text(text, document.called, documents.codec), set())
    except GraphError as error:
        raise Refused(f"the file would have an error then: {error.problems[0].message}") from None
    assert document.graph is not None
    if list(_shape(document.graph)) != list(_shape(after)):
        raise Refused("the graph would be another one then: something reads this name by another way")


def _shape(graph: Graph) -> Iterator[object]:
    """What a graph is without its names: every node with what it reads, by number."""
    numbers = {name: number for number, name in enumerate([*graph.inputs, *graph.nodes])}
    yield [entry.level for entry in graph.inputs.values()]
    for node in graph.nodes.values():
        edges = [(numbers[it.source], it.down, it.up, it.lateral, it.projection, it.order) for it in node.edges]
        yield edges, node.level, node.fusion, node.op, node.channels, node.norm, node.act, node.padding, node.init
    yield [numbers[source] for source in graph.outputs.values()]
