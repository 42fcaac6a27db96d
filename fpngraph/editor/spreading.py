"""What another name in a graph changes in the files that use it: parameters, presets, inputs and outputs they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from pygls.uris import from_fs_path

from fpngraph.editor.documents import Document, Documents, Text
from fpngraph.editor.live.folder import MOST, Folder
from fpngraph.editor.scope import file_of
from fpngraph.errors import GraphError, Refusal, Span
from fpngraph.graph.graph import Graph
from fpngraph.language.grammar.reference import parse_declaration
from fpngraph.language.grammar.tokens import Reason
from fpngraph.language.yaml.value import Value

Role = Literal["parameter", "preset", "input", "output"]
"""What a name of a graph is to those that use it."""


class Spread:
    """The files that change, each with the places of the old name."""

    def __init__(self, documents: Documents, folders: Iterable[Path], new: str) -> None:
        self._documents, self._new = documents, new
        self._folders = tuple(folders)
        self._files: list[Document] | None = None
        self.places: dict[Document, set[Span]] = {}
        self._texts: dict[Path, str] = {}

    def change(self, document: Document, spans: Iterable[Span], old: str) -> None:
        """Write the new name at places of a document, and in the files that name what is another one then.

        Raises Refusal unless each of their graphs stays the same, but for names.
        """
        before = self._graph(document)
        self.places[document] = self.places.get(document, set()) | {*spans}
        text = written(document.now, self.places[document], self._new)
        if document.place:
            self._texts[document.place] = text
        after = self._same(document, before, text)
        for role in _roles(before, after):
            self.follow(document, role, old)

    def follow(self, document: Document, role: Role, old: str) -> None:
        """Change the files that use a document, and name this of it."""
        for user in self._users(document):
            spans = {span for stage in self._stages(user, document) for span in _named(user, *stage, role, old)}
            self.change(user, spans, old)

    def _graph(self, document: Document) -> Graph:
        """What a document is before anything is renamed. Raises Refusal where it has errors."""
        if document.stale:
            self._documents.check(document)
        if document.graph is None:
            raise Refusal(f"{document.called!r} uses this file and has errors: {document.problems[0].message}")
        return document.graph

    def _same(self, document: Document, before: Graph, text: str) -> Graph:
        said = Text(text, document.called, self._documents.codec)
        where = "the file" if document is next(iter(self.places)) else repr(document.called)
        try:
            after = self._documents.graph_of(document, said, set(), self._texts)
        except GraphError as error:
            raise Refusal(f"{where} would have an error then: {error.problems[0].message}") from None
        if list(_shape(before)) != list(_shape(after)):
            whose = "the graph" if where == "the file" else f"the graph of {where}"
            raise Refusal(f"{whose} would be another one then: something reads this name by another way")
        return after

    def _users(self, document: Document) -> Iterator[Document]:
        if self._files is None:
            self._files = list(self._found(document))
        for file in self._files:
            if file is not document and document.place and any(self._stages(file, document)):
                yield file

    def _found(self, document: Document) -> Iterator[Document]:
        """The graph files that are open, and those in the folders of the editor and of the document."""
        yield from (it for it in self._documents.open.values() if it.is_graph)
        own = [document.place.parent] if document.place else []
        paths: dict[Path, None] = {}
        for folder in {*self._folders, *own}:
            names = Folder(folder).names()
            if len(names) == MOST:
                raise Refusal(f"{str(folder)!r} has too many files to look for those that use this one")
            paths |= dict.fromkeys((folder / name).resolve() for name in names)
        for path in paths:
            text = None if self._documents.at(path) else self._documents.text(path)
            if text and "use" in text.text:
                yield Document(from_fs_path(str(path)) or "", path, text, is_graph=True)

    def _stages(self, user: Document, used: Document) -> Iterator[tuple[str, Value]]:
        """The stages of a file that use another one, by their names."""
        tree = user.now.tree
        for it in user.now.names if tree else ():
            if tree and it.kind == "stage":
                stage = tree.at((*it.home, "stages", it.text))
                use = stage.entries.get("use")
                if use and not use.entries and file_of(self._documents, user, use.data) == used.place:
                    yield it.text, stage


def _roles(before: Graph, after: Graph) -> Iterator[Role]:
    """What has another name in a graph for those that use it, as far as the graph itself tells."""
    if [*before.inputs] != [*after.inputs]:
        yield "input"
    if [*before.outputs] != [*after.outputs]:
        yield "output"


def _named(user: Document, name: str, stage: Value, role: Role, old: str) -> list[Span]:
    """Where a stage, or what comes behind it, names something of the graph that it uses."""
    entries = stage.entries
    if role == "preset":
        preset = entries.get("preset")
        return [preset.span] if preset and preset.span.written == old else []
    if role == "output":
        return _outputs(user, name, entries.get("outputs"), old)
    section = "params" if role == "parameter" else "inputs"
    keys = entries[section].key_spans if section in entries else {}
    if role == "parameter":
        return [span for key, span in keys.items() if key == old and span.written == old]
    return [span.part(0, len(old)) for key, span in keys.items() if _family(key) == old and span.written == key]


def _outputs(user: Document, name: str, outputs: Value | None, old: str) -> list[Span]:
    same = [it for it in user.now.names if it.text == old and it.kind in ("family", "node")]
    if outputs and outputs.entries:
        said = {value.span for value in outputs.entries.values()}
        return [it.span for it in same if it.said in said]
    if any(it.declares for it in same):
        found = (
            f"{user.called!r} has {old!r} of its own too: say with 'outputs' of stage {name!r} what comes from there"
        )
        raise Refusal(found)
    return [it.span for it in same]


def _family(key: object) -> str:
    try:
        return parse_declaration(key).family if isinstance(key, str) else ""
    except Reason:
        return ""


def written(text: Text, spans: Iterable[Span], new: str) -> str:
    """The text with another name at some places."""
    parts = re.split("(\r\n|[\n\r])", text.text)  # lines, and what ends each
    mark = len(text.text) - len(text.text.removeprefix("\ufeff"))
    for span in sorted(spans, key=lambda it: it.column, reverse=True):
        line = parts[2 * span.line - 2]
        shift = mark if span.line == 1 else 0
        parts[2 * span.line - 2] = line[: span.column - 1 + shift] + new + line[span.end - 1 + shift :]
    return "".join(parts)


def _shape(graph: Graph) -> Iterator[object]:
    """What a graph is without its names: every node with what it reads, by number."""
    numbers = {name: number for number, name in enumerate([*graph.inputs, *graph.nodes])}
    yield [entry.level for entry in graph.inputs.values()]
    for node in graph.nodes.values():
        edges = [(numbers[it.source], it.down, it.up, it.lateral, it.projection, it.order) for it in node.edges]
        yield edges, node.level, node.fusion, node.op, node.channels, node.norm, node.act, node.padding, node.init
    yield [numbers[source] for source in graph.outputs.values()]
