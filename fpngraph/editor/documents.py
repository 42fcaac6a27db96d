"""The files that an editor has open: what each says now, what is wrong with it, and the last graph that it was."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from pygls.workspace import PositionCodec

from fpngraph.editor.mending import tree_of
from fpngraph.editor.names import Occurrence, occurrences
from fpngraph.editor.places import Lines
from fpngraph.errors import GraphError, Problem
from fpngraph.graph.graph import Graph
from fpngraph.language.yaml.source import read, read_file
from fpngraph.language.yaml.value import Value
from fpngraph.library import read_open

_FIRST_KEY = re.compile(r"^\ufeff?\s*[{]?\s*[\"']?fpngraph[\"']?\s*:", re.MULTILINE)


class Text:
    """One state of a file: its values, as far as they can be read, and the names in it."""

    def __init__(self, text: str, name: str, codec: PositionCodec) -> None:
        self.text, self.name = text, name
        self.lines = Lines(text, codec)

    @cached_property
    def _mended(self) -> tuple[Value | None, str]:
        return tree_of(self.text, self.name)

    @property
    def tree(self) -> Value | None:
        """Its values, but for lines that cannot be read; None where nothing can."""
        return self._mended[0]

    @property
    def readable(self) -> list[str]:
        """Its lines, with those mended that could not be read."""
        return self._mended[1].split("\n")

    @cached_property
    def names(self) -> tuple[Occurrence, ...]:
        """Every name in it."""
        return occurrences(self.tree) if self.tree else ()


class Document:
    """A file that is open."""

    def __init__(self, uri: str, path: Path | None, text: Text, *, is_graph: bool) -> None:
        self.uri, self.path = uri, path
        self.place = None if path is None else Path(os.path.realpath(path))
        self.now, self.is_graph = text, is_graph
        self.problems: tuple[Problem, ...] = ()
        self.graph: Graph | None = None
        """What it says now; None where it is no graph, or not checked yet."""
        self.stale = True
        """Whether it has to be checked, or checked again."""
        self.last: Graph | None = None
        """The last graph that it was."""
        self.reads: frozenset[Path] = frozenset()
        """The files that it uses, links resolved."""
        self.last_names: tuple[Occurrence, ...] = ()

    @property
    def names(self) -> tuple[Occurrence, ...]:
        """Every name in it; those that it had where nothing of it can be read now."""
        if self.now.tree is not None:
            self.last_names = self.now.names
        return self.last_names

    @property
    def called(self) -> str:
        """What messages call it."""
        return self.now.name


class Documents:
    """All that are open. ``folder`` is where used graphs may lie besides the folder of the file itself."""

    def __init__(self, codec: PositionCodec, folder: str | None = None) -> None:
        self.codec, self.folder = codec, folder
        self.open: dict[str, Document] = {}

    def say(self, uri: str, path: Path | None, text: str, *, is_graph: bool) -> Document:
        """A file is opened, or says something else now. One that has been a graph file remains one."""
        name = uri.rpartition("/")[2] if path is None else str(path)
        said = Text(text, name, self.codec)
        is_graph = is_graph or _FIRST_KEY.search(text) is not None
        if uri not in self.open:
            self.open[uri] = Document(uri, path, said, is_graph=is_graph)
        document = self.open[uri]
        document.now, document.is_graph = said, document.is_graph or is_graph
        document.graph, document.stale = None, True
        return document

    def close(self, uri: str) -> None:
        """Forget a file; what it says is again what is saved."""
        self.open.pop(uri, None)

    def check(self, document: Document) -> None:
        """Work out what a document says now."""
        reads: set[Path] = set()
        try:
            document.graph = document.last = self.graph_of(document, document.now, reads)
            document.problems = document.graph.warnings
        except GraphError as error:
            document.graph, document.problems = None, error.problems
        document.reads, document.stale = frozenset(reads), False

    def graph_of(
        self, document: Document, text: Text, reads: set[Path], instead: Mapping[Path, str] | None = None
    ) -> Graph:
        """The graph of a text in the place of a document; what is open stands for the files that it uses.

        A text of ``instead`` stands before both. The files go to ``reads``. Raises GraphError.
        """

        def reading(place: Path, called: str, used_by: str) -> Value:
            reads.add(place)
            if instead and place in instead:
                return read(instead[place], called, used_by)
            there = self.at(place)
            return read(there.now.text, called, used_by) if there else read_file(place, called, used_by)

        return read_open(text.text, document.path, text.name, folder=self.folder, read=reading)

    def at(self, place: Path) -> Document | None:
        """The open document of a file, links resolved."""
        return next((it for it in self.open.values() if it.place == place), None)

    def users(self, place: Path | None) -> Iterator[Document]:
        """The open documents that use a file."""
        yield from (it for it in self.open.values() if it.is_graph and place in it.reads)

    def text(self, place: Path) -> Text | None:
        """What a file says: the editor's text, or what is saved; None where it cannot be read."""
        there = self.at(place)
        if there:
            return there.now
        try:
            return Text(place.read_text(encoding="utf-8"), str(place), self.codec)
        except (OSError, UnicodeDecodeError):
            return None
