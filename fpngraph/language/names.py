"""Names and references of one file: parsed, and worked out with its integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from fpngraph.codes import Code
from fpngraph.errors import Replacement, Span
from fpngraph.language.declared import Declared
from fpngraph.language.grammar.arithmetic import Expression
from fpngraph.language.grammar.reference import (
    Name,
    Reference,
    is_name,
    parse_declaration,
    parse_reference,
)
from fpngraph.language.grammar.slips import meant
from fpngraph.language.grammar.tokens import Reason
from fpngraph.language.keys.findings import shown
from fpngraph.language.limits import MAX_EDGES, MAX_LENGTH, MAX_NODES, MAX_STEPS
from fpngraph.language.members import Candidates, Key, text_of
from fpngraph.language.numbers import numbers
from fpngraph.language.params import Params
from fpngraph.language.problems import Problems
from fpngraph.language.spent import Spent
from fpngraph.language.yaml.value import Value

T = TypeVar("T")
_A_NAME = "a name is letters, digits and _, such as P3 or td(3..6)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name or reference stands. A part of it has a place too, if its characters stand in the file."""

    span: Span
    text: str

    def part(self, start: int, stop: int) -> Span:
        return self.span.part(start, stop) if self.span.written == self.text else self.span

    def replacement(self, reason: Reason) -> Replacement | None:
        """What ``reason`` says can be written in place of a part."""
        if reason.better is None or self.span.written != self.text:
            return None
        return Replacement(self.part(reason.start, reason.stop), reason.better)


class Names:
    """Reads names and references with the parameters of one file; tells ``problems`` what is wrong with them."""

    def __init__(self, params: Params, problems: Problems, spent: Spent) -> None:
        self.numbers, self.problems, self.spent = numbers(params), problems, spent
        self.declared = Declared()

    def name(self, text: Any, span: Span) -> Name | None:
        """The name that a key says."""
        if not isinstance(text, str):
            found = "nothing" if text is None else repr(text)[:60]
            self.problems.once("name-syntax", f"expected a name, found {found}", span, _A_NAME)
            return None
        hint = None if is_name(text) else _A_NAME
        return self._parsed(parse_declaration, Place(span, text), "name-syntax", hint)

    def declaration(self, text: Any, span: Span) -> Name | None:
        """The name of a key that declares or binds something which the file can then refer to."""
        name = self.name(text, span)
        if name is None:
            self.declared.incomplete()
        else:
            self.declared.add(name.family, indexed=name.index is not None)
        return name

    def reference(self, value: Value) -> Reference | None:
        """What an input or output names."""
        if not isinstance(value.data, str):
            found = "nothing" if value.data is None else shown(value)
            hint = "such as P5, td(l+1) or P(3..5)"
            self.problems.once("reference-syntax", f"expected a reference, found {found}", value.span, hint)
            return None
        place = Place(value.span, value.data)
        reference = self._parsed(parse_reference, place, "reference-syntax")
        if reference is not None:
            self.declared.use((name, place.part(name.start, name.end)) for name in reference.alternatives)
        return reference

    def _parsed(self, parse: Callable[[str], T], place: Place, code: Code, hint: str | None = None) -> T | None:
        """What ``parse`` makes of a text; None, and a problem, where it is not written so, which is a ``code``."""
        if len(place.text) > MAX_LENGTH:
            message = f"a name has {len(place.text)} characters, but {MAX_LENGTH} is the limit"
            self.problems.once("limit-exceeded", message, place.span)
            return None
        try:
            return parse(place.text)
        except Reason as reason:
            where, better = place.part(reason.start, reason.stop), place.replacement(reason)
            way = None if better else meant(place.text)
            if way and way.better:
                better = place.replacement(Reason("", 0, len(place.text), better=way.better))
            said = way.hint if way else reason.hint or hint
            self.problems.once(reason.code or code, reason.message, where, said, better)
            return None

    def keys(self, name: Name, place: Place, index: int | None = None) -> list[Key]:
        """The keys that a name stands for; none, and a problem, where its indices have no value."""
        if name.index is None:
            return [(name.family, None)]
        first = self._index(name.index, place, index)
        last = first if name.stop_index is None else self._index(name.stop_index, place, index)
        if first is None or last is None or (first < 0 and self._is_a_range(name, place)):
            return []
        if last - first >= MAX_NODES:
            message = f"{name.text!r} has {last - first + 1} members, but {MAX_NODES} is the limit"
            self.problems.stop(message, place.part(name.start, name.end))
        return [(name.family, number) for number in range(first, last + 1)]

    def _is_a_range(self, name: Name, place: Place) -> bool:
        """Whether an index below 0, such as of ``P(3-5)``, was meant as a range, which is then a problem."""
        way = meant(name.text)
        if name.stop_index is not None or name.index is None or "l" in name.index.names or not (way and way.better):
            return False
        part = Place(place.part(name.start, name.end), name.text)
        better = part.replacement(Reason("", 0, len(name.text), better=way.better))
        self.problems.once("index-out-of-range", f"the index of {name.text!r} is negative", part.span, way.hint, better)
        return True

    def _index(self, expression: Expression, place: Place, index: int | None) -> int | None:
        self.spent.steps += len(expression.steps)
        if self.spent.steps > MAX_STEPS:
            message = f"the indices of the graph have more than {MAX_STEPS} operands and operators, which is the limit"
            self.problems.stop(message, place.span)
        try:
            return self.numbers.at(index).value(expression)
        except Reason as reason:
            where = place.part(reason.start, reason.stop)
            better = place.replacement(reason)
            self.problems.once(reason.code or "reference-syntax", reason.message, where, reason.hint, better)
            return None

    def candidates(self, reference: Reference, value: Value, index: int | None = None) -> Iterator[Candidates]:
        """What a reference stands for in the member at ``index``: one, or one per member of a range."""
        alternatives = reference.alternatives
        place = Place(value.span, reference.text)
        keys = [key for name in alternatives for key in self.keys(name, place, index)]
        self.spent.edges += len(keys)
        if self.spent.edges > MAX_EDGES:
            self.problems.stop(f"the graph has more than {MAX_EDGES} edges, which is the limit", value.span)
        if alternatives[0].stop_index is not None:
            for key in keys:
                yield Candidates((key,), False, value.span, text_of(key))
        elif len(keys) == len(alternatives):  # else one of them is a problem already
            yield Candidates(tuple(keys), reference.optional, value.span, reference.text)
