"""Parameters: their values from the file, a preset and the caller, and what stands for ``$name`` and ``$(...)``."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from fpngraph.errors import Problem, nearest
from fpngraph.language.composer import MAX_VALUES
from fpngraph.language.problems import Problems
from fpngraph.language.reference import Expression, Reason, is_name, parse_arithmetic
from fpngraph.language.source import Scalar, Value, dump, read
from fpngraph.language.tokens import clipped
from fpngraph.language.validate import shown

Params = Mapping[Scalar, Value]
UNTOUCHED = frozenset({"fpngraph", "name", "description", "source", "params", "presets"})
"""Keys of a graph file in which ``$`` means nothing."""
MAX_LENGTH = 500
"""Characters of a reference or an expression, which may be worked out for each of many members."""
_NAME = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)\Z")
_TAKEN = {"preset": "it chooses a preset", "l": "it is the index of a member", "none": "it stands for no input"}
_TYPES = {str: "a string", bool: "true or false", int: "an integer", float: "a number", tuple: "a list"}
_GIVEN = "<parameters>"


def read_params(document: Value, preset: str | None, overrides: Mapping[str, Any]) -> Params:
    """The parameters with their values. Raises GraphError for whatever is wrong in the file or in what is asked."""
    problems = Problems()
    params = _entries(document, "params")
    presets = _entries(document, "presets")
    problems.extend(_wrong_definitions(document, params))
    for name, entries in presets.items():
        problems.extend(_unfit(entries, params, f"preset {str(name)!r}: "))
    values = dict(params)
    if preset in presets and preset is not None:
        values |= _mapping(presets[preset])
    elif preset is not None:
        problems.append(Problem(f"there is no preset {preset!r}", None, nearest(str(preset), map(str, islice(presets, 1000)))))
    if overrides:
        given = read(dump(dict(overrides)), _GIVEN)
        problems.extend(_unfit(given, params, ""))
        values |= _mapping(given)
    if problems:
        raise problems.error()
    return values


def _entries(document: Value, key: str) -> Params:
    return _mapping(document.at([key])) if key in document.key_spans else {}


def _mapping(value: Value) -> Params:
    """The entries of a mapping; of anything else, which the specification refuses, there are none."""
    return value.data if isinstance(value.data, Mapping) else {}


def _wrong_definitions(document: Value, params: Params) -> Iterator[Problem]:
    for name, value in params.items():
        span = document.at(["params"]).key_spans[name]
        if not isinstance(name, str) or not is_name(name):
            yield Problem(f"{str(name)!r} is no name of a parameter", span, "letters, digits and _; no digit first")
        elif name in _TAKEN:
            yield Problem(f"no parameter can be called {name!r}: {_TAKEN[name]}", span)
        yield from _references(value)


def _references(value: Value) -> Iterator[Problem]:
    for found in _values(value):
        if isinstance(found.data, str) and found.data.startswith("$"):
            yield Problem(f"a parameter cannot refer to another, but this is {shown(found)}", found.span)


def _values(value: Value) -> Iterator[Value]:
    """A value and all that is in it."""
    yield value
    if isinstance(value.data, Mapping | tuple):
        for entry in value.data.values() if isinstance(value.data, Mapping) else value.data:
            yield from _values(entry)


def _unfit(entries: Value, params: Params, what: str) -> Iterator[Problem]:
    """A problem for every value of a preset or of the caller whose name or type is not that of a parameter."""
    for name, value in _mapping(entries).items():
        place = value.span.file != _GIVEN  # what the caller gives has no line of the file to point at
        if name not in params:
            hint = nearest(str(name), map(str, islice(params, 1000)))
            span = entries.key_spans[name] if place else None
            yield Problem(f"{what}there is no parameter {str(name)!r}", span, hint)
            continue
        if not _fits(value, params[name]):
            listed = ", ".join(f"{known}: {shown(default)}" for known, default in islice(params.items(), 30))
            message = f"{what}parameter {name!r} is {shown(value)}, but must be {_type(params[name])}, like its default"
            yield Problem(message, value.span if place else None, f"the parameters are {listed}")
        yield from _references(value)


def _fits(value: Value, default: Value) -> bool:
    """Whether a value has its default's type; a null default leaves the type open, an integer is a number too."""
    same = _type(value) == _type(default)
    return same or default.data is None or (_type(default) == "a number" and type(value.data) is int)


def _type(value: Value) -> str:
    return _TYPES.get(type(value.data), "empty" if value.data is None else "a mapping")


def integers(params: Params) -> dict[str, int]:
    """The parameters that an expression can name."""
    return {str(name): value.data for name, value in params.items() if type(value.data) is int}


def evaluate(expression: Expression, variables: Mapping[str, int], params: Params) -> int:
    """The value of an expression. Raises Reason, which says of a name why it has none."""
    try:
        return expression.evaluate(variables)
    except Reason:
        check_names(expression, variables, params)
        raise


def check_names(expression: Expression, variables: Mapping[str, int], params: Params) -> None:
    """Raises Reason for the first name of an expression that is not among ``variables``."""
    for step in expression.steps:
        name = str(step.operand)
        if step.sign != "name" or name in variables:
            continue
        if name in params:
            raise Reason(f"parameter {name!r} is {shown(params[name])}, not an integer", step.start, step.stop)
        if name == "l":
            hint = "'l' is the index of the entry that says it, and here is none"
            raise Reason("'l' has no value here", step.start, step.stop, hint)
        raise Reason(f"there is no parameter {name!r}", step.start, step.stop, nearest(name, islice(variables, 1000)))


def substitute(document: Value, params: Params, problems: Problems) -> Value:
    """A document with the parameters in place of ``$name`` and ``$(...)``; what needs ``l`` stays as it is.

    A scalar keeps the place where it is used; a structured parameter brings its own places along.
    """
    substitution = _Substitution(params, integers(params), problems)
    entries = _mapping(document)
    data = {key: value if key in UNTOUCHED else substitution.of(value) for key, value in entries.items()}
    return replace(document, data=data)


def with_index(value: Value, variables: Mapping[str, int], params: Params, problems: list[Problem]) -> Value:
    """``value`` with the numbers of the ``$(...)`` that ``substitute`` left; ``variables`` has ``l`` if there is one."""
    return _Substitution(params, variables, problems, final=True).of(value)


def size(value: Value) -> int:
    """How many values a value is, itself included."""
    return sum(1 for _ in _values(value))


def uses_index(value: Value) -> bool:
    """Whether ``substitute`` left a ``$(...)`` that needs ``l``."""
    return any(isinstance(found.data, str) and found.data.startswith("$(") for found in _values(value))


class _Substitution:
    def __init__(
        self, params: Params, variables: Mapping[str, int], problems: list[Problem], *, final: bool = False
    ) -> None:
        self.params, self.variables, self.problems, self.final = params, variables, problems, final
        self._sizes: dict[str, int] = {}
        self._values = 0

    def of(self, value: Value) -> Value:
        if isinstance(value.data, Mapping):
            return replace(value, data={key: self.of(entry) for key, entry in value.data.items()})
        if isinstance(value.data, tuple):
            return replace(value, data=tuple(self.of(entry) for entry in value.data))
        if isinstance(value.data, str) and value.data.startswith("$"):
            return self._scalar(value, value.data)
        return value

    def _scalar(self, value: Value, text: str) -> Value:
        if text.startswith("$("):
            return self._number(value, text)
        match = _NAME.match(text)
        param = self.params.get(match[1]) if match else None
        if match is None:
            hint = "write $name for a parameter, or $(expression) for arithmetic"
            self.problems.append(Problem(f"{shown(value)} is no parameter", value.span, hint))
        elif param is None:
            hint = nearest(match[1], map(str, islice(self.params, 1000)))
            self.problems.append(Problem(f"there is no parameter {clipped(match[1])}", value.span, hint))
        elif isinstance(param.data, Mapping | tuple):
            return self._structure(match[1], param, value)
        else:
            return replace(param, span=value.span, verbatim=False)
        return value

    def _structure(self, name: str, param: Value, value: Value) -> Value:
        """A structured parameter, as long as the graph stays as small as a file without parameters has to be."""
        if name not in self._sizes:
            self._sizes[name] = size(param)
        self._values += self._sizes[name]
        if self._values <= MAX_VALUES:
            return param
        if self._values - self._sizes[name] <= MAX_VALUES:
            message = f"parameters expand the file to more than {MAX_VALUES} values"
            self.problems.append(Problem(message, value.span))
        return value

    def _number(self, value: Value, text: str) -> Value:
        try:
            if len(text) > MAX_LENGTH:
                raise Reason(f"an expression has {len(text)} characters, but {MAX_LENGTH} is the limit", 0, len(text))
            if not text.endswith(")"):
                raise Reason("'$(' is not closed", 0, len(text), "write $(expression)")
            return self._evaluated(value, text)
        except Reason as reason:
            span = value.span.part(reason.start, reason.stop) if value.verbatim else value.span
            self.problems.append(Problem(reason.message, span, reason.hint))
            return value

    def _evaluated(self, value: Value, text: str) -> Value:
        inner = text[2:-1]
        try:
            expression = parse_arithmetic(inner)
            if "l" in expression.names and not self.final:
                check_names(expression, ChainMap({"l": 0}, self.variables), self.params)
                return value
            number = evaluate(expression, self.variables, self.params)
        except Reason as reason:
            raise Reason(reason.message, reason.start + 2, reason.stop + 2, reason.hint) from None
        return replace(value, data=number, verbatim=False)
