"""From YAML's event stream to values with places, within limits that hold before anything large is built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import yaml

from fpngraph.codes import Code
from fpngraph.errors import GraphError, Problem, Span
from fpngraph.language.limits import MAX_DEPTH, MAX_PROBLEMS, MAX_VALUES
from fpngraph.language.yaml.scalars import TooLarge, resolve
from fpngraph.language.yaml.value import Scalar, Value

TOO_DEEP = f"lists and mappings are nested deeper than {MAX_DEPTH} levels"

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what YAML 1.1, and so PyYAML, counts as the end of a line
_ANCHOR = re.compile(r"&\S+[ \t]*")
_NO_KEYS: Mapping[Scalar, Span] = {}
_MAPPING = "a graph file is a mapping of keys to values"
_EMPTY = f"{_MAPPING}, this one is empty"
_TAG = re.compile(r"!\S*")


def line_starts(text: str) -> list[int]:
    """Where each line of a text begins, as an index into it."""
    return [0, *(match.end() for match in _BREAK.finditer(text))]


class Source:
    """The lines of a file, and places on them."""

    def __init__(self, text: str, file: str, used_by: str | None = None) -> None:
        self.file, self.used_by = file, used_by
        self.lines = _BREAK.split(text)

    def span(self, start: Any, end: Any) -> Span:
        """From one mark of PyYAML to another, as far as the first one's line goes."""
        text = self.lines[start.line] if start.line < len(self.lines) else ""
        stop = end.column if end.line == start.line else len(text.rstrip())
        return self.place(start.line + 1, start.column + 1, max(start.column, stop) + 1, text)

    def character(self, mark: Any) -> Span:
        """The character at a mark."""
        text = self.lines[mark.line] if mark.line < len(self.lines) else ""
        return self.place(mark.line + 1, mark.column + 1, min(mark.column + 2, len(text) + 1), text)

    def rest(self, mark: Any) -> Span:
        """From a mark to the end of its line."""
        text = self.lines[mark.line] if mark.line < len(self.lines) else ""
        return self.place(mark.line + 1, mark.column + 1, max(mark.column, len(text.rstrip())) + 1, text)

    def place(self, line: int, column: int, end: int, text: str) -> Span:
        """A stretch of the line that is ``text``."""
        return Span(self.file, line, column, end, text, self.used_by)

    def is_end(self, mark: Any) -> bool:
        """Whether nothing but blank lines follows a mark."""
        rest = self.lines[mark.line : mark.line + 1000]
        return not any(line[mark.column :].strip() if number == 0 else line.strip() for number, line in enumerate(rest))


class _Anchored(NamedTuple):
    value: Value
    size: int
    height: int


class Composer:
    """Builds the value of the one document in a stream of events."""

    def __init__(self, events: Iterator[yaml.Event], source: Source) -> None:
        self._events = events
        self._source = source
        self._anchors: dict[str, _Anchored | None] = {}  # None: still being built
        self._values = 0
        self._deepest = 0
        self.problems: list[Problem] = []

    def compose(self) -> Value:
        """The value of the document. Raises GraphError or YAMLError where reading cannot go on."""
        next(self._events)  # the start of the stream
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            raise GraphError([Problem("not-a-mapping", _EMPTY, self._source.place(1, 1, 1, self._source.lines[0]))])
        value = self._value(next(self._events), 1)
        next(self._events)  # the end of the document
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._stop("second-document", "a second document starts here, a graph file is one document", event)
        if not isinstance(value.data, Mapping):
            said = "a list" if isinstance(value.data, tuple) else repr(value.data)
            message = _EMPTY if value.data is None else f"{_MAPPING}, found {said}"
            self._refuse("not-a-mapping", message, value.span)
        return value

    def _refuse(self, code: Code, message: str, span: Span, hint: str | None = None) -> None:
        self.problems.append(Problem(code, message, span, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            raise GraphError([])

    def _stop(self, code: Code, message: str, event: yaml.Event) -> GraphError:
        return GraphError([Problem(code, message, self._source.span(event.start_mark, event.end_mark))])

    def _value(self, event: Any, depth: int) -> Value:
        self._values += 1
        self._deepest = max(self._deepest, depth)
        if self._values > MAX_VALUES:
            raise self._stop("limit-exceeded", f"the file has more than {MAX_VALUES} values", event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if event.tag is not None:
            self._refuse_tag(event)
        if event.anchor is None:
            return self._build(event, depth)
        return self._anchored(event, depth)

    def _build(self, event: Any, depth: int) -> Value:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if depth > MAX_DEPTH:
            raise self._stop("limit-exceeded", TOO_DEEP, event)
        return self._list(event, depth) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(event, depth)

    def _anchored(self, event: Any, depth: int) -> Value:
        """The value of ``event``, kept with its size and height for the aliases to come."""
        self._anchors[event.anchor] = None
        values, deepest = self._values, self._deepest
        self._deepest = depth
        value = self._build(event, depth)
        self._anchors[event.anchor] = _Anchored(value, self._values - values + 1, self._deepest - depth)
        self._deepest = max(self._deepest, deepest)
        return value

    def _alias(self, event: Any, depth: int) -> Value:
        span = self._source.span(event.start_mark, event.end_mark)
        if event.anchor not in self._anchors:
            message = f"alias '*{event.anchor}' has no anchor '&{event.anchor}' before it"
            self._refuse("yaml-alias", message, span)
            return Value(None, span, _NO_KEYS, False)
        anchored = self._anchors[event.anchor]
        if anchored is None:
            message = f"alias '*{event.anchor}' stands inside what '&{event.anchor}' names"
            raise self._stop("yaml-alias", message, event)
        self._values += anchored.size - 1
        self._deepest = max(self._deepest, depth + anchored.height)
        if self._values > MAX_VALUES:
            raise self._stop("limit-exceeded", f"aliases expand the file to more than {MAX_VALUES} values", event)
        if depth + anchored.height > MAX_DEPTH + 1:
            message = f"aliases nest lists and mappings deeper than {MAX_DEPTH} levels"
            raise self._stop("limit-exceeded", message, event)
        return anchored.value

    def _refuse_tag(self, event: Any) -> None:
        span = self._source.span(event.start_mark, event.end_mark)
        found = _TAG.search(span.text, event.start_mark.column)
        if found:
            span = replace(span, column=found.start() + 1, end=found.end() + 1)
        self._refuse("yaml-tag", "a tag is not allowed, a graph file is data", span, "leave the tag out")

    def _scalar(self, event: Any) -> Value:
        span = self._source.span(event.start_mark, event.end_mark)
        text: str = event.value
        if event.anchor is not None or event.tag is not None:
            span = _without_properties(span)
        if event.style in (None, ""):
            return Value(self._resolve(text, span), span, _NO_KEYS, span.written == text)
        inside = span.part(1, span.end - span.column - 1)
        verbatim = inside.written == text and event.style in "'\""
        if not verbatim and any("\ud800" <= character <= "\udfff" for character in text):
            self._refuse("forbidden-character", "half of a surrogate pair is no character", span)
        return Value(text, inside if verbatim else span, _NO_KEYS, verbatim)

    def _resolve(self, text: str, span: Span) -> Scalar:
        try:
            return resolve(text)
        except TooLarge as reason:
            self._refuse("number-too-large", str(reason), span)
            return 0

    def _list(self, event: Any, depth: int) -> Value:
        items: list[Value] = []
        for item in self._until(yaml.SequenceEndEvent):
            items.append(self._value(item, depth + 1))
        return Value(tuple(items), self._place(event, items[0].span if items else None), _NO_KEYS, False)

    def _until(self, kind: type[yaml.Event]) -> Iterator[Any]:
        """Events up to the next one of ``kind``, which closes the list or mapping being built."""
        for event in self._events:
            self._last = event
            if isinstance(event, kind):
                return
            yield event

    def _place(self, event: Any, first: Span | None) -> Span:
        if event.flow_style or first is None:
            return _without_properties(self._source.span(event.start_mark, self._last.end_mark))
        return first

    def _mapping(self, event: Any, depth: int) -> Value:
        entries: dict[Scalar, Value] = {}
        places: dict[Scalar, Span] = {}
        written: dict[Scalar, Span] = {}
        for key_event in self._until(yaml.MappingEndEvent):
            merges = _is_merge(key_event)
            key = self._value(key_event, depth + 1)
            value = self._value(next(self._events), depth if merges else depth + 1)
            if isinstance(key.data, tuple | Mapping):
                self._refuse("wrong-key", "a key is a word or a number, found a list or a mapping", key.span)
                continue
            if key.data in written:
                message = f"duplicate key {key.span.written!r}: first on line {written[key.data].line}"
                self._refuse("duplicate-key", message, key.span)
                continue
            written[key.data] = key.span
            if merges:
                self._merge(value, entries, places)
            else:
                entries[key.data], places[key.data] = value, key.span
        first = next(iter(written.values()), None)
        return Value(entries, self._place(event, first), places, False)

    def _merge(self, value: Value, entries: dict[Scalar, Value], places: dict[Scalar, Span]) -> None:
        """Add what ``<<`` names, where the mapping does not say so itself. Earlier items of a list win."""
        for source in value.data if isinstance(value.data, tuple) else (value,):
            if not isinstance(source.data, Mapping):
                message = "'<<' merges a mapping or a list of mappings, found something else"
                self._refuse("yaml-merge", message, source.span)
                continue
            for key, entry in source.data.items():
                if key not in entries:
                    entries[key], places[key] = entry, source.key_spans[key]


def _is_merge(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.style in (None, "")


def _without_properties(span: Span) -> Span:
    """The place behind an anchor, where the value itself starts on the same line."""
    found = _ANCHOR.match(span.text, span.column - 1)
    if not found or found.end() >= span.end - 1:
        return span
    return replace(span, column=found.end() + 1)
