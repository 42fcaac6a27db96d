"""Names and references of one file: parsed, worked out with its integers, checked against what it declares."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from fpngraph.codes import Code
from fpngraph.errors import Problem, Span, nearest
from fpngraph.language.grammar.arithmetic import Expression
from fpngraph.language.grammar.reference import (
    Name,
    Reference,
    is_name,
    parse_declaration,
    parse_reference,
)
from fpngraph.language.grammar.tokens import Reason
from fpngraph.language.keys.findings import shown
from fpngraph.language.limits import MAX_EDGES, MAX_LENGTH, MAX_LEVEL, MAX_NODES, MAX_STEPS
from fpngraph.language.members import Candidates, Key, text_of
from fpngraph.language.numbers import numbers
from fpngraph.language.params import Params
from fpngraph.language.problems import Problems
from fpngraph.language.spent import Spent
from fpngraph.language.yaml.value import Value
from fpngraph.reserved import RESERVED

T = TypeVar("T")
WORDS = frozenset({"none", "l", "ratio"})
_A_NAME = "a name is letters, digits and _, such as P3 or td(3..6)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name or reference stands. A part of it has a place too, if its characters stand in the file."""

    span: Span
    text: str

    def part(self, start: int, stop: int) -> Span:
        verbatim = self.span.text[self.span.column - 1 : self.span.end - 1] == self.text
        return self.span.part(start, stop) if verbatim else self.span


class Names:
    """Reads names and references with the parameters of one file; gathers what is wrong with them."""

    def __init__(self, params: Params, problems: Problems, spent: Spent) -> None:
        self.numbers, self.problems, self.spent = numbers(params), problems, spent
        self._known: set[tuple[str, bool]] = set()
        self._used: list[tuple[Name, Span]] = []
        self._complete = True

    def report(self, code: Code, message: str, span: Span | None, hint: str | None = None) -> None:
        """A problem, unless its place has one already: the other members of a range say the same."""
        self.problems.once(code, message, span, hint)

    def stop(self, message: str, span: Span) -> NoReturn:
        """Ends the phase at a limit."""
        self.problems.append(Problem("limit-exceeded", message, span))
        raise self.problems.error()

    def name(self, text: Any, span: Span) -> Name | None:
        """The name that a key says."""
        if not isinstance(text, str):
            found = "nothing" if text is None else repr(text)[:60]
            self.report("name-syntax", f"expected a name, found {found}", span, _A_NAME)
            return None
        hint = None if is_name(text) else _A_NAME
        return self._parsed(parse_declaration, Place(span, text), "name-syntax", hint)

    def declaration(self, text: Any, span: Span) -> Name | None:
        """The name of a key that declares or binds something which the file can then refer to."""
        name = self.name(text, span)
        if name is None:
            self.incomplete()
        else:
            self._known.add((name.family, name.index is not None))
        return name

    def bring(self, keys: Iterable[Key]) -> None:
        """Names that come with a used graph, to which the file can refer."""
        self._known.update((family, index is not None) for family, index in keys)

    def incomplete(self) -> None:
        """Something is declared in a way that cannot be read: it is not known which names there are."""
        self._complete = False

    def reference(self, value: Value) -> Reference | None:
        """What an input or output names."""
        if not isinstance(value.data, str):
            found = "nothing" if value.data is None else shown(value)
            hint = "such as P5, td(l+1) or P(3..5)"
            self.report("reference-syntax", f"expected a reference, found {found}", value.span, hint)
            return None
        place = Place(value.span, value.data)
        reference = self._parsed(parse_reference, place, "reference-syntax")
        if reference is not None:
            self._used += [(name, place.part(name.start, name.end)) for name in reference.alternatives]
        return reference

    def _parsed(self, parse: Callable[[str], T], place: Place, code: Code, hint: str | None = None) -> T | None:
        """What ``parse`` makes of a text; None, and a problem, where it is not written so, which is a ``code``."""
        if len(place.text) > MAX_LENGTH:
            message = f"a name has {len(place.text)} characters, but {MAX_LENGTH} is the limit"
            self.report("limit-exceeded", message, place.span)
            return None
        try:
            return parse(place.text)
        except Reason as reason:
            where = place.part(reason.start, reason.stop)
            self.report(reason.code or code, reason.message, where, reason.hint or hint)
            return None

    def keys(self, name: Name, place: Place, index: int | None = None) -> list[Key]:
        """The keys that a name stands for; none, and a problem, where its indices have no value."""
        if name.index is None:
            return [(name.family, None)]
        first = self._index(name.index, place, index)
        last = first if name.stop_index is None else self._index(name.stop_index, place, index)
        if first is None or last is None:
            return []
        if last - first >= MAX_NODES:
            message = f"{name.text!r} has {last - first + 1} members, but {MAX_NODES} is the limit"
            self.stop(message, place.part(name.start, name.end))
        return [(name.family, number) for number in range(first, last + 1)]

    def _index(self, expression: Expression, place: Place, index: int | None) -> int | None:
        self.spent.steps += len(expression.steps)
        if self.spent.steps > MAX_STEPS:
            message = f"the indices of the graph have more than {MAX_STEPS} operands and operators, which is the limit"
            self.stop(message, place.span)
        try:
            return self.numbers.at(index).value(expression)
        except Reason as reason:
            where = place.part(reason.start, reason.stop)
            self.report(reason.code or "reference-syntax", reason.message, where, reason.hint)
            return None

    def candidates(self, reference: Reference, value: Value, index: int | None = None) -> Iterator[Candidates]:
        """What a reference stands for in the member at ``index``: one, or one per member of a range."""
        alternatives = reference.alternatives
        place = Place(value.span, reference.text)
        keys = [key for name in alternatives for key in self.keys(name, place, index)]
        self.spent.edges += len(keys)
        if self.spent.edges > MAX_EDGES:
            self.stop(f"the graph has more than {MAX_EDGES} edges, which is the limit", value.span)
        if alternatives[0].stop_index is not None:
            for key in keys:
                yield Candidates((key,), False, value.span, text_of(key))
        elif len(keys) == len(alternatives):  # else one of them is a problem already
            yield Candidates(tuple(keys), reference.optional, value.span, reference.text)

    def check(self, key: Key, span: Span) -> None:
        """A problem where a node, input, output or stage may not be called so."""
        text = text_of(key)
        if text.startswith("_"):
            message = f"the name {text!r} begins with '_', which is reserved"
            self.report("reserved-name", message, span, "begin it with a letter")
        elif key[0] in WORDS or text in RESERVED or keyword.iskeyword(text):
            hint = f"choose another name, such as {text + '_'!r}" if key[1] is None else "choose another family"
            self.report("reserved-name", f"the name {text!r} is reserved", span, hint)
        elif key[1] is not None and key[1] < 0:
            message = f"the index of {text!r} is negative"
            self.report("index-out-of-range", message, span, "a declared index is 0 or more")

    def level(self, key: Key, explicit: int | None, span: Span, hint: str) -> int | None:
        """The level of what ``key`` declares; None, and a problem, where it has none. ``hint`` says how to give one."""
        level = key[1] if explicit is None else explicit
        if level is None:
            self.report("missing-level", f"{text_of(key)!r} has no index, so it needs a level", span, hint)
        elif level > MAX_LEVEL:
            message = f"the level of {text_of(key)!r} is {level}, but must be at most {MAX_LEVEL}"
            self.report("index-out-of-range", message, span, hint)
        return level if level is not None and 0 <= level <= MAX_LEVEL else None

    def report_unknown(self) -> None:
        """A problem for every reference to a family or name that is declared nowhere in the file."""
        if not self._complete:
            return
        known = sorted({family for family, _ in self._known})
        for name, span in self._used:
            indexed = name.index is not None
            if (name.family, indexed) in self._known:
                continue
            hint = nearest(name.family, known)
            if (name.family, not indexed) in self._known:
                hint = f"{name.family!r} is declared {'without' if indexed else 'with'} an index"
            what = "family" if indexed else "name"
            self.report("unknown-name", f"{what} {name.family!r} is declared nowhere in the file", span, hint)
