"""What can be written where the cursor is: keys, words, operators, names in scope, parameters, graphs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as File

from lsprotocol import types

from fpngraph.editor import keys
from fpngraph.editor.cursor import Cursor, cursor_at
from fpngraph.editor.documents import Document, Documents
from fpngraph.editor.places import Path
from fpngraph.editor.scope import parameters, params_of, scope_at
from fpngraph.errors import Span
from fpngraph.language.numbers import numbers
from fpngraph.language.substitution import UNTOUCHED
from fpngraph.language.yaml.value import Value
from fpngraph.library import named

_WORD = re.compile(r"\$?[A-Za-z_]\w*$|\$$")
_PATH = re.compile(r"[\w./-]*$")
_IN_INDEX = re.compile(r"(?:^|[^$\w])[A-Za-z_]\w*\([^()]*$")
_FILES = 200  # of a folder that are offered
Kind = types.CompletionItemKind
_EMPTY = Value({}, Span("", 1, 1, 1, ""), {}, False)
TRIGGERS = ["$", "(", "|", "{", "[", ",", " ", "/"]


@dataclass(frozen=True, slots=True)
class _Offer:
    label: str
    kind: types.CompletionItemKind
    about: str = ""
    text: str | None = None
    """What is written, where it is more than the label."""
    rank: int = 1


def completions(documents: Documents, document: Document, position: types.Position) -> list[types.CompletionItem]:
    """What can be written at a position."""
    said = document.now
    line, column = said.lines.at(position)
    typed = said.lines.lines[line - 1][: column - 1]
    offers: list[_Offer] = []
    pattern = _WORD
    if not document.is_graph:
        offers = [_Offer("fpngraph", Kind.Property, "a graph file", "fpngraph: 1")]
    elif cursor := cursor_at([*said.readable[: line - 1], said.lines.lines[line - 1]], line, column):
        offers = list(_Offering(documents, document, cursor, line).all())
        pattern = _PATH if cursor.path[-1:] == ("use",) and cursor.role == "value" else _WORD
    word = pattern.search(typed)
    place = said.lines.stretch(line, (word.start() if word else len(typed)) + 1, column)
    unique = {offer.label: offer for offer in reversed(offers)}
    return [_item(offer, place, number) for number, offer in enumerate(reversed(unique.values()))]


def _item(offer: _Offer, place: types.Range, number: int) -> types.CompletionItem:
    return types.CompletionItem(
        offer.label,
        kind=offer.kind,
        detail=offer.about or None,
        sort_text=f"{offer.rank}{number:05}",
        text_edit=types.TextEdit(place, offer.text or offer.label),
    )


class _Offering:
    """What is offered at one place."""

    def __init__(self, documents: Documents, document: Document, cursor: Cursor, line: int) -> None:
        self._document, self._cursor, self._line = document, cursor, line
        self._scope = scope_at(documents, document, document.now.tree or _EMPTY, cursor.path)

    def all(self) -> Iterator[_Offer]:
        written = self._cursor.written
        if self._cursor.role == "key":
            yield from self._keys()
        elif written.startswith("$("):
            yield from self._numbers(tables=True)
        elif self._scope.is_reference and _IN_INDEX.search(written):
            yield from self._numbers(tables=False)
        else:
            yield from self._values()

    def _keys(self) -> Iterator[_Offer]:
        path = self._cursor.path
        there = self._cursor.siblings | self._below()
        if there and keys.one_key(path):
            return
        for name, about in keys.keys(path).items():
            if name not in there:
                yield _Offer(name, Kind.Property, about, f"{name}: ")
        for name, about in self._own_keys(self._scope.path).items():
            if name not in there:
                yield _Offer(name, Kind.Variable, about, f"{name}: ")
        if _IN_INDEX.search(self._cursor.written):
            yield from self._numbers(tables=False)

    def _below(self) -> set[str]:
        """Keys that the mapping has on other lines."""
        value = self._scope.tree
        for step in self._cursor.path:
            if isinstance(step, int) and isinstance(value.data, tuple) and 0 <= step < len(value.data):
                value = value.data[step]
            elif step in value.entries:
                value = value.entries[step]
            else:
                return set()
        return {str(key) for key, span in value.key_spans.items() if span.line != self._line}

    def _own_keys(self, path: Path) -> Mapping[str, str]:
        """Keys that the file itself, or a graph that it uses, has names for."""
        if path[:1] == ("presets",) and len(path) == 2:
            return parameters(self._scope.graph)
        if self._scope.stage is None or len(path) != 3:
            return {}
        if path[2] == "outputs":
            return self._scope.names()
        if path[2] == "params":
            return parameters(self._scope.used(self._scope.stage)[1] or _EMPTY)
        found = self._scope.description(self._scope.stage) if path[2] == "inputs" else None
        return {name: f"level {level}" for name, level in found.inputs.items()} if found else {}

    def _values(self) -> Iterator[_Offer]:
        path = self._cursor.path
        if self._scope.is_reference:
            yield from (_Offer(name, Kind.Variable, about, rank=0) for name, about in self._scope.names().items())
            if "|" in self._cursor.written:
                yield _Offer("none", Kind.Keyword, "no input where nothing before exists", rank=0)
        words, alone = keys.words(path), keys.operators(path)
        for word, about in words.items():
            yield _Offer(word, Kind.Function if word in alone else Kind.EnumMember, about)
        for name, about in alone.items():
            yield _Offer(f"{{{name}: ...}}", Kind.Function, about, f"{{{name}: {{}}}}", 2)
        if path and not isinstance(path[-1], int):
            for word, about in keys.words((*path, 0)).items():
                yield _Offer(f"[{word}]", Kind.Function, about)
        if self._scope.stage is not None:
            yield from self._of_use()
        if self._scope.path and self._scope.path[0] not in UNTOUCHED:
            for name, default in parameters(self._scope.graph).items():
                yield _Offer(f"${name}", Kind.Constant, f"parameter, by default {default}", rank=3)

    def _of_use(self) -> Iterator[_Offer]:
        last = self._scope.path[2:]
        if last == ("use",):
            yield from (_Offer(name, Kind.Module, "a graph that comes with a package") for name in sorted(named()))
            yield from (_Offer(name, Kind.File, "a file") for name in self._files())
        elif last == ("preset",) and (used := self._scope.used(self._scope.stage)[1]):
            presets = used.at(["presets"]).entries if "presets" in used.entries else {}
            yield from (_Offer(str(name), Kind.Value, "a preset", rank=0) for name in presets)

    def _files(self) -> list[str]:
        """Graph files beside this one."""
        own = self._document.place
        if own is None or not own.parent.is_dir():
            return []
        beside: Iterator[File] = (path for path in own.parent.iterdir() if path.suffix in (".yaml", ".yml"))
        return sorted(path.name for path in beside if path.name != own.name)[:_FILES]

    def _numbers(self, *, tables: bool) -> Iterator[_Offer]:
        """What an expression can name."""
        found = numbers(params_of(self._scope.graph))
        yield _Offer("l", Kind.Variable, "the index of the member", rank=0)
        for name, number in found.integers.items():
            yield _Offer(name, Kind.Constant, f"parameter, by default {number}")
        for name in found.tables if tables else ():
            yield _Offer(f"{name}(l)", Kind.Constant, "a table")
