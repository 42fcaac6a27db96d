"""Names and references of one file: parsed, worked out with its integers, checked against what it declares."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from fpngraph.errors import Problem, Span, nearest
from fpngraph.language.members import Candidates, Key, text_of
from fpngraph.language.reference import Name, Reason, Reference, parse_declaration, parse_reference
from fpngraph.language.reserved import RESERVED
from fpngraph.language.source import Value
from fpngraph.language.spec import MAX_LEVEL

T = TypeVar("T")
MAX_NODES = 50_000
MAX_EDGES = 200_000
WORDS = frozenset({"none", "l", "ratio"}) | frozenset(keyword.kwlist)


class Names:
    """Reads names and references with the integers of one file; gathers what is wrong with them."""

    def __init__(self, integers: Mapping[str, int], problems: list[Problem]) -> None:
        self.integers, self.problems = integers, problems
        self._edges = 0
        self._known: set[tuple[str, bool]] = set()
        self._used: list[tuple[Name, Span]] = []

    def report(self, message: str, span: Span | None, hint: str | None = None) -> None:
        self.problems.append(Problem(message, span, hint))

    def declaration(self, text: Any, span: Span) -> Name | None:
        """A key that declares or binds something."""
        if not isinstance(text, str):
            self.report(f"{text!r} is no name", span, "a name is letters, digits and _, such as P3 or td(3..6)")
            return None
        name = self._parsed(parse_declaration, text, span, verbatim=True)
        if name is not None:
            self._known.add((name.family, name.index is not None))
        return name

    def reference(self, value: Value) -> Reference | None:
        """What an input or output names."""
        if not isinstance(value.data, str):
            self.report("a reference is a name such as P5, td(l+1) or P(3..5)", value.span)
            return None
        reference = self._parsed(parse_reference, value.data, value.span, verbatim=value.verbatim)
        if reference is not None:
            self._used += [(name, self._place(name, value)) for name in reference.alternatives]
        return reference

    @staticmethod
    def _place(name: Name, value: Value) -> Span:
        return value.span.part(name.start, name.end) if value.verbatim else value.span

    def _parsed(self, parse: Callable[[str], T], text: str, span: Span, *, verbatim: bool) -> T | None:
        try:
            return parse(text)
        except Reason as reason:
            place = span.part(reason.start, reason.stop) if verbatim else span
            self.report(reason.message, place, reason.hint)
            return None

    def keys(self, name: Name, span: Span, index: int | None = None) -> list[Key]:
        """The keys that a name stands for; none, and a problem, where its indices have no value."""
        if name.index is None:
            return [(name.family, None)]
        variables = self.integers if index is None else {**self.integers, "l": index}
        try:
            first = name.index.evaluate(variables)
            last = first if name.stop_index is None else name.stop_index.evaluate(variables)
        except Reason as reason:
            self._report_once(reason.message, span, reason.hint)
            return []
        if last - first >= MAX_NODES:
            self._report_once(f"{name.text!r} has {last - first + 1} members, but {MAX_NODES} is the limit", span)
            return []
        return [(name.family, number) for number in range(first, last + 1)]

    def _report_once(self, message: str, span: Span, hint: str | None = None) -> None:
        if not any(problem.span == span for problem in self.problems):
            self.report(message, span, hint)

    def candidates(self, reference: Reference, value: Value, index: int | None = None) -> Iterator[Candidates]:
        """What a reference stands for in the member at ``index``: one, or one per member of a range."""
        alternatives = reference.alternatives
        if alternatives and alternatives[0].stop_index is not None:
            for key in self._counted(self.keys(alternatives[0], self._place(alternatives[0], value), index)):
                yield Candidates((key,), False, value.span, text_of(key))
            return
        keys = [key for name in alternatives for key in self.keys(name, self._place(name, value), index)]
        if len(keys) == len(alternatives):  # else one of them is a problem already
            self._counted(keys)
            yield Candidates(tuple(keys), reference.optional, value.span, reference.text)

    def _counted(self, keys: list[Key]) -> list[Key]:
        self._edges += len(keys)
        if self._edges <= MAX_EDGES:
            return keys
        if self._edges - len(keys) <= MAX_EDGES:
            self.report(f"the graph has more than {MAX_EDGES} edges, which is the limit", None)
        return []

    def check(self, key: Key, span: Span) -> None:
        """A problem where a node, input, output or stage may not be called so."""
        text = text_of(key)
        if key[0] in WORDS or text in RESERVED:
            hint = f"choose another name, such as {text + '_'!r}" if key[1] is None else "choose another family"
            self.report(f"the name {text!r} is reserved", span, hint)
        elif key[1] is not None and key[1] < 0:
            self.report(f"the index of {text!r} is negative", span, "a declared index is 0 or more")

    def level(self, key: Key, explicit: int | None, span: Span) -> int | None:
        """The level of what ``key`` declares; None, and a problem, where it has none."""
        level = key[1] if explicit is None else explicit
        if level is None:
            hint = "give it a 'level', or a name that ends in its level"
            self.report(f"{text_of(key)!r} has no index, so it needs a level", span, hint)
        elif level > MAX_LEVEL:
            hint = "give it a 'level' of its own"
            self.report(f"the level of {text_of(key)!r} is {level}, but must be at most {MAX_LEVEL}", span, hint)
        return level if level is not None and 0 <= level <= MAX_LEVEL else None

    def report_unknown(self) -> None:
        """A problem for every reference to a family or name that is declared nowhere in the file."""
        for name, span in self._used:
            indexed = name.index is not None
            if (name.family, indexed) in self._known:
                continue
            hint = nearest(name.family, sorted({f for f, _ in self._known}))
            if (name.family, not indexed) in self._known:
                hint = f"{name.family!r} is declared {'without' if indexed else 'with'} an index"
            what = "family" if indexed else "name"
            self.report(f"{what} {name.family!r} is declared nowhere in the file", span, hint)
