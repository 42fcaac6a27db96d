"""Parameters: their values from the file, a preset and the caller, and what stands for ``$name`` and ``$(...)``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fpngraph.errors import GraphError, Problem, nearest
from fpngraph.language.reference import Expression, Reason, is_name, parse_arithmetic
from fpngraph.language.source import Value, dump, read
from fpngraph.language.validate import shown

Params = Mapping[str, Value]
UNTOUCHED = frozenset({"fpngraph", "name", "description", "source", "params", "presets"})
"""Keys of a graph file in which ``$`` means nothing."""
_NAME = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)\Z")
_TAKEN = {"preset": "it chooses a preset", "l": "it is the index of a member", "none": "it stands for no input"}
_TYPES = {str: "a string", bool: "true or false", int: "an integer", float: "a number", tuple: "a list"}


def read_params(document: Value, preset: str | None, overrides: Mapping[str, Any]) -> Params:
    """The parameters with their values. Raises GraphError for whatever is wrong in the file or in what is asked."""
    problems: list[Problem] = []
    defaults = _entries(document, "params")
    problems.extend(_wrong_definitions(document, defaults))
    presets: dict[str | None, Params] = {None: defaults}
    for name, entries in _entries(document, "presets").items():
        if isinstance(entries.data, Mapping):  # else the specification says so
            problems.extend(_references(entries))
            presets[name] = _overridden(defaults, entries, f"preset {name!r}: ", problems)
    if preset not in presets:
        known = [name for name in presets if name is not None]
        problems.append(Problem(f"there is no preset {preset!r}", None, nearest(str(preset), known)))
    values = presets.get(preset, defaults)
    if overrides:
        values = _overridden(values, _given(overrides), "", problems)
    if problems:
        raise GraphError(problems)
    return values


def _entries(document: Value, key: str) -> dict[str, Value]:
    value = document.at([key]) if isinstance(document.data, Mapping) and key in document.data else None
    return {str(name): entry for name, entry in value.data.items()} if value and isinstance(value.data, Mapping) else {}


def _given(overrides: Mapping[str, Any]) -> Value:
    """The caller's values, without a place: there is no line of the file to point at."""
    return read(dump(dict(overrides)), "<parameters>")


def _wrong_definitions(document: Value, params: Params) -> Iterator[Problem]:
    for name, value in params.items():
        span = document.at(["params"]).key_spans.get(name, value.span)
        if not is_name(name):
            yield Problem(f"{name!r} is no name of a parameter", span, "letters, digits and _; no digit first")
        elif name in _TAKEN:
            yield Problem(f"no parameter can be called {name!r}: {_TAKEN[name]}", span)
        yield from _references(value)


def _references(value: Value) -> Iterator[Problem]:
    for scalar in _scalars(value):
        if isinstance(scalar.data, str) and scalar.data.startswith("$"):
            yield Problem(f"a parameter cannot refer to another, but this is {scalar.data!r}", scalar.span)


def _scalars(value: Value) -> Iterator[Value]:
    if isinstance(value.data, Mapping | tuple):
        for entry in value.data.values() if isinstance(value.data, Mapping) else value.data:
            yield from _scalars(entry)
    else:
        yield value


def _overridden(params: Params, entries: Value, what: str, problems: list[Problem]) -> Params:
    """``params`` with the values of ``entries``; a name or a type that does not fit is a problem."""
    values = dict(params)
    for key, value in entries.data.items():  # type: ignore[union-attr]  # the callers looked
        name = str(key)
        span = None if value.span.file == "<parameters>" else value.span
        if name not in values:
            problems.append(Problem(f"{what}there is no parameter {name!r}", span, nearest(name, values)))
        elif not _fits(value, values[name]):
            listed = ", ".join(f"{known}: {shown(default)}" for known, default in values.items())
            message = f"{what}parameter {name!r} is {shown(value)}, but must be {_type(values[name])}, like its default"
            problems.append(Problem(message, span, f"the parameters are {listed}"))
        else:
            values[name] = value
    return values


def _fits(value: Value, default: Value) -> bool:
    """Whether a value has its default's type; a null default leaves the type open, an integer is a number too."""
    same = _type(value) == _type(default)
    return same or default.data is None or (_type(default) == "a number" and type(value.data) is int)


def _type(value: Value) -> str:
    return _TYPES.get(type(value.data), "empty" if value.data is None else "a mapping")


def integers(params: Params) -> dict[str, int]:
    """The parameters that an index expression can name."""
    return {name: value.data for name, value in params.items() if type(value.data) is int}


def substitute(value: Value, params: Params, problems: list[Problem]) -> Value:
    """``value`` with the parameters in place of ``$name`` and ``$(...)``; what needs ``l`` stays as it is.

    A scalar keeps the place where it is used; a structured parameter brings its own places along.
    """
    return _Substitution(params, integers(params), problems).of(value)


def with_index(value: Value, variables: Mapping[str, int], problems: list[Problem]) -> Value:
    """``value`` with the numbers of the ``$(...)`` that ``substitute`` left; ``variables`` has ``l`` if there is one."""
    return _Substitution({}, variables, problems, final=True).of(value)


def uses_index(value: Value) -> bool:
    """Whether ``substitute`` left a ``$(...)`` that needs ``l``."""
    return any(isinstance(scalar.data, str) and scalar.data.startswith("$(") for scalar in _scalars(value))


class _Substitution:
    def __init__(
        self, params: Params, variables: Mapping[str, int], problems: list[Problem], *, final: bool = False
    ) -> None:
        self.params, self.variables, self.problems, self.final = params, variables, problems, final

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
        if match is None:
            hint = "write $name for a parameter, or $(expression) for arithmetic"
            self.problems.append(Problem(f"{text!r} is no parameter", value.span, hint))
            return value
        param = self.params.get(match[1])
        if param is None:
            self.problems.append(
                Problem(f"there is no parameter {match[1]!r}", value.span, nearest(match[1], self.params))
            )
            return value
        if isinstance(param.data, Mapping | tuple):
            return param
        return replace(param, span=value.span, verbatim=False)

    def _number(self, value: Value, text: str) -> Value:
        try:
            if not text.endswith(")"):
                raise Reason("'$(' is not closed", 0, len(text), "write $(expression)")
            expression = parse_arithmetic(text[2:-1])
            if "l" in expression.names and not self.final:
                return value
            number = expression.evaluate(self._known(expression))
        except Reason as reason:
            offset = 2 if text.endswith(")") else 0
            span = value.span.part(reason.start + offset, reason.stop + offset) if value.verbatim else value.span
            self.problems.append(Problem(reason.message, span, reason.hint))
            return value
        return replace(value, data=number, verbatim=False)

    def _known(self, expression: Expression) -> Mapping[str, int]:
        for name in expression.names & self.params.keys() - self.variables.keys():
            found = shown(self.params[name])
            raise Reason(f"parameter {name!r} is {found}, not an integer", expression.start, expression.stop, None)
        return self.variables
