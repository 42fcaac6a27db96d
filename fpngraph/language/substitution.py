"""What stands for ``$name`` and ``$(...)``: parameters, and integers worked out of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

from fpngraph.errors import Problem, Replacement, nearest, renamed
from fpngraph.language.grammar.arithmetic import parse_arithmetic
from fpngraph.language.grammar.tokens import Reason, clipped
from fpngraph.language.keys.findings import shown
from fpngraph.language.limits import MAX_CHARACTERS, MAX_LENGTH, MAX_VALUES
from fpngraph.language.numbers import Numbers, numbers
from fpngraph.language.params import Params, values_in
from fpngraph.language.problems import Problems
from fpngraph.language.spent import Spent
from fpngraph.language.yaml.value import Scalar, Value

UNTOUCHED = frozenset({"fpngraph", "name", "description", "source", "params", "presets"})
"""Keys of a graph file in which ``$`` means nothing."""
TOO_MANY = f"the expressions of the graph have more than {MAX_CHARACTERS} characters, which is the limit"
_IN_BRACES = re.compile(r"\$\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}")
_NAME = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)\Z")


def substitute(document: Value, params: Params, problems: Problems, spent: Spent) -> Value:
    """A document with the parameters in place of ``$name`` and ``$(...)``; what needs ``l`` stays as it is.

    A scalar keeps the place where it is used; a structured parameter brings its own places along.
    """
    substitution = _Substitution(numbers(params), problems, spent)
    entries = document.entries.items()
    data = {key: value if key in UNTOUCHED else substitution.of_section(key, value) for key, value in entries}
    return replace(document, data=data)


def with_index(value: Value, numbers: Numbers, problems: list[Problem]) -> Value:
    """``value`` with the numbers of the ``$(...)`` that ``substitute`` left; ``numbers`` have ``l`` if any."""
    return _Substitution(numbers, problems, Spent(), final=True).of(value)


def size(value: Value) -> int:
    """How many values a value is, itself included."""
    return sum(1 for _ in values_in(value))


def characters(value: Value) -> int:
    """Of the ``$(...)`` that ``substitute`` left because they need ``l``."""
    texts = (found.data for found in values_in(value) if isinstance(found.data, str))
    return sum(len(text) for text in texts if text.startswith("$("))


class _Substitution:
    def __init__(self, numbers: Numbers, problems: list[Problem], spent: Spent, *, final: bool = False) -> None:
        self.numbers, self.problems, self.spent, self.final = numbers, problems, spent, final
        self._sizes: dict[str, int] = {}

    def of(self, value: Value) -> Value:
        if isinstance(value.data, Mapping):
            return replace(value, data={key: self.of(entry) for key, entry in value.data.items()})
        if isinstance(value.data, tuple):
            return replace(value, data=tuple(self.of(entry) for entry in value.data))
        if isinstance(value.data, str) and value.data.startswith("$"):
            return self._scalar(value, value.data)
        return value

    def of_section(self, key: Scalar, value: Value) -> Value:
        """What stands under a key of the file. A graph that a stage uses, written in place, has its own parameters."""
        if key != "stages" or not isinstance(value.data, Mapping):
            return self.of(value)
        return replace(value, data={name: self._stage(stage) for name, stage in value.data.items()})

    def _stage(self, value: Value) -> Value:
        use = value.entries.get("use")
        if use is None or not isinstance(use.data, Mapping):
            return self.of(value)
        return replace(value, data={key: it if it is use else self.of(it) for key, it in value.entries.items()})

    def _scalar(self, value: Value, text: str) -> Value:
        if text.startswith("$("):
            return self._number(value, text)
        match = _NAME.match(text)
        param = self.numbers.params.get(match[1]) if match else None
        if match is None:
            braces = _IN_BRACES.fullmatch(text)
            hint = "write $name for a parameter, or $(expression) for arithmetic"
            better = Replacement(value.span, f"${braces[1]}") if braces and value.verbatim else None
            message = f"{shown(value)} is no parameter"
            self.problems.append(Problem("expression-syntax", message, value.span, hint, replacement=better))
        elif param is None:
            known = list(map(str, islice(self.numbers.params, 1000)))
            message, hint = f"there is no parameter {clipped(match[1])}", nearest(match[1], known)
            better = renamed(value.span.part(1, len(text)), match[1], known) if value.verbatim else None
            self.problems.append(Problem("unknown-param", message, value.span, hint, replacement=better))
        elif isinstance(param.data, Mapping | tuple):
            return self._structure(match[1], param, value)
        else:
            return replace(param, span=value.span, verbatim=False)
        return value

    def _structure(self, name: str, param: Value, value: Value) -> Value:
        """A structured parameter, as long as the graph stays as small as a file without parameters has to be."""
        if name not in self._sizes:
            self._sizes[name] = size(param)
        self.spent.inserted += self._sizes[name]
        if self.spent.inserted <= MAX_VALUES:
            return param
        if self.spent.inserted - self._sizes[name] <= MAX_VALUES:
            message = f"parameters expand the file to more than {MAX_VALUES} values"
            self.problems.append(Problem("limit-exceeded", message, value.span))
        return value

    def _number(self, value: Value, text: str) -> Value:
        try:
            if len(text) > MAX_LENGTH:
                message = f"an expression has {len(text)} characters, but {MAX_LENGTH} is the limit"
                raise Reason(message, 0, len(text), code="limit-exceeded")
            self.spent.characters += len(text)
            if self.spent.characters > MAX_CHARACTERS and not self.final:
                return self._beyond(value, len(text))
            if not text.endswith(")"):
                raise Reason("'$(' is not closed", 0, len(text), "write $(expression)")
            return self._evaluated(value, text)
        except Reason as reason:
            span = value.span.part(reason.start, reason.stop) if value.verbatim else value.span
            better = Replacement(span, reason.better) if value.verbatim and reason.better else None
            code = reason.code or "expression-syntax"
            self.problems.append(Problem(code, reason.message, span, reason.hint, replacement=better))
            return value

    def _beyond(self, value: Value, length: int) -> Value:
        """The value as it is, with one problem for the expression at which there are too many characters."""
        if self.spent.characters - length <= MAX_CHARACTERS:
            self.problems.append(Problem("limit-exceeded", TOO_MANY, value.span))
        return value

    def _evaluated(self, value: Value, text: str) -> Value:
        inner = text[2:-1]
        try:
            expression = parse_arithmetic(inner)
            if "l" in expression.names and not self.final:
                self.numbers.at(0).check(expression)
                return value
            number = self.numbers.value(expression)
        except Reason as reason:
            start, stop = reason.start + 2, reason.stop + 2
            raise Reason(reason.message, start, stop, reason.hint, reason.code, better=reason.better) from None
        return replace(value, data=number, verbatim=False)
