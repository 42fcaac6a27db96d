"""Every name that a file declares or refers to, with its place: families, nodes, parameters, stages, presets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from fpngraph.editor.places import Path
from fpngraph.errors import Span
from fpngraph.language.grammar.arithmetic import Expression, parse_arithmetic
from fpngraph.language.grammar.reference import Name, Reference, parse_declaration, parse_reference
from fpngraph.language.grammar.tokens import Reason
from fpngraph.language.substitution import UNTOUCHED
from fpngraph.language.yaml.value import Value

Kind = Literal["family", "node", "parameter", "stage", "preset"]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A name where it stands. Those of one ``home``, ``kind`` and ``text`` are the same."""

    kind: Kind
    """``family`` has indices, as ``P`` in ``P(3..5)`` and ``P3``; ``node`` has none."""
    text: str
    span: Span
    """Of the name alone, without its index."""
    declares: bool
    home: Path
    """Keys that lead to its graph: none, or those of a graph that is written in place."""
    stage: str | None
    whole: Span
    """Of the name with its index."""
    said: Span
    """Of the value or key that it is part of."""
    name: Name | None = None
    """Of a family or node, as it is parsed."""

    @property
    def symbol(self) -> tuple[Path, Kind, str]:
        """What is the same of all that mean the same."""
        return self.home, self.kind, self.text


def occurrences(tree: Value) -> tuple[Occurrence, ...]:
    """All names of a file, in the order in which they are found; what an alias repeats is there once."""
    walk = _Walk(())
    walk.graph(tree)
    return tuple({(it.span, it.kind, it.home): it for it in reversed(walk.found)}.values())[::-1]


class _Walk:
    """Goes through one graph."""

    def __init__(self, home: Path) -> None:
        self.found: list[Occurrence] = []
        self._home = home
        self._stage: str | None = None
        self._indirect: set[str] = set()

    def graph(self, value: Value) -> None:
        entries = value.entries
        self._params(entries)
        self._each(entries.get("inputs"), self._declaration, keys=self._declaration, values=None)
        self._nodes(entries.get("nodes"))
        for name, span, stage in _entries(entries.get("stages")):
            self._stage = str(name)
            self._add("stage", str(name), span, declares=True)
            self._in_stage(stage, (*self._home, "stages", name))
        self._stage = None
        self._each(entries.get("outputs"), self._reference, keys=self._indices, values=self._reference)
        for key, entry in entries.items():
            if key not in UNTOUCHED:
                self._expressions(entry)
        self._named_by_parameters(entries)

    def _params(self, entries: Any) -> None:
        for name, span, _ in _entries(entries.get("params")):
            self._add("parameter", str(name), span, declares=True)
        for name, span, preset in _entries(entries.get("presets")):
            self._add("preset", str(name), span, declares=True)
            for param, place, _ in _entries(preset):
                self._add("parameter", str(param), place, declares=False)

    def _in_stage(self, stage: Value, path: Path) -> None:
        entries = stage.entries
        self._nodes(entries.get("nodes"))
        self._each(entries.get("inputs"), None, keys=self._indices, values=self._reference)
        self._each(entries.get("outputs"), self._reference, keys=self._declaration, values=self._reference)
        if "use" in entries and entries["use"].entries:
            inner = _Walk((*path, "use"))
            inner.graph(entries["use"])
            self.found += inner.found

    def _nodes(self, nodes: Value | None) -> None:
        for name, span, entry in _entries(nodes):
            self._declaration(name, span)
            inputs = entry.entries.get("inputs")
            for item in inputs.data if inputs and isinstance(inputs.data, tuple) else ():
                source = item.entries.get("from", item)
                self._reference(source.data, source.span)

    def _each(self, value: Value | None, read: Any, *, keys: Any, values: Any) -> None:
        """What a section says that is a name, a list of them, or a mapping."""
        if value is None:
            return
        for key, span, entry in _entries(value):
            keys(key, span)
            if values:
                values(entry.data, entry.span)
        items = value.data if isinstance(value.data, tuple) else () if value.key_spans else (value,)
        for item in items if read else ():
            read(item.data, item.span)

    def _declaration(self, text: Any, span: Span) -> None:
        self._named(parse_declaration, text, span, declares=True)

    def _reference(self, text: Any, span: Span) -> None:
        if isinstance(text, str) and text.startswith("$"):
            self._indirect.add(text[1:])
        else:
            self._named(parse_reference, text, span, declares=False)

    def _indices(self, text: Any, span: Span) -> None:
        """The parameters in a name that means nothing in this file."""
        name = _parsed(parse_declaration, text)
        for index in (name.index, name.stop_index) if name else ():
            self._steps(index, span, str(text), 0)

    def _named(self, parse: Callable[[str], Name | Reference], text: Any, span: Span, *, declares: bool) -> None:
        parsed = _parsed(parse, text)
        names = parsed.alternatives if isinstance(parsed, Reference) else (parsed,) if parsed else ()
        if span.written != text:
            return
        for name in names:
            whole = span.part(name.start, name.end)
            word = span.part(name.start, name.start + len(name.family))
            kind: Kind = "node" if name.index is None else "family"
            self._add(kind, name.family, word, declares=declares, whole=whole, said=span, name=name)
            for index in (name.index, name.stop_index):
                self._steps(index, span, text, 0)

    def _steps(self, expression: Expression | None, span: Span, text: str, shift: int) -> None:
        """The parameters in an expression, which starts at ``shift`` of a text."""
        if span.written != text:
            return
        for step in expression.steps if expression else ():
            if step.sign in ("name", "table") and step.operand != "l":
                start = step.start + shift
                word = span.part(start, start + len(str(step.operand)))
                self._add("parameter", str(step.operand), word, declares=False)

    def _expressions(self, value: Value) -> None:
        """The parameters in ``$name`` and ``$(...)``, but for those of a graph that is written in place."""
        for found in _own_values(value):
            text = found.data
            if not isinstance(text, str) or not text.startswith("$") or found.span.written != text:
                continue
            if not text.startswith("$("):
                self._add("parameter", text[1:], found.span.part(1, len(text)), declares=False)
            elif text.endswith(")"):
                self._steps(_parsed(parse_arithmetic, text[2:-1]), found.span, text, 2)

    def _named_by_parameters(self, entries: Any) -> None:
        """The references in parameters that stand where a reference does."""
        said = [entries.get("params"), *(entries["presets"].entries.values() if "presets" in entries else ())]
        for name in self._indirect:
            for values in said:
                value = values.entries.get(name) if values else None
                for item in value.data if value and isinstance(value.data, tuple) else (value,):
                    if item and isinstance(item.data, str) and not item.data.startswith("$"):
                        self._named(parse_reference, item.data, item.span, declares=False)

    def _add(self, kind: Kind, text: str, span: Span, *, declares: bool, **more: Any) -> None:
        places = {"whole": span, "said": span} | more
        if kind in ("family", "node") or span.written == text:
            self.found.append(Occurrence(kind, text, span, declares, self._home, self._stage, **places))


def _entries(value: Value | None) -> Iterator[tuple[Any, Span, Value]]:
    """The keys of a mapping, each with its place and its value; nothing of all else."""
    if value:
        yield from ((key, value.key_spans[key], entry) for key, entry in value.entries.items())


def _own_values(value: Value) -> Iterator[Value]:
    yield value
    if isinstance(value.data, tuple):
        for entry in value.data:
            yield from _own_values(entry)
    for key, entry in value.entries.items():
        if not (key == "use" and entry.entries):
            yield from _own_values(entry)


def _parsed(parse: Callable[[str], Any], text: Any) -> Any:
    """What ``parse`` makes of a text; None where it is not written so, which the diagnostics say."""
    try:
        return parse(text) if isinstance(text, str) else None
    except Reason:
        return None
