"""Parameters and their values, from the file, a preset and the caller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from fpngraph.errors import Problem, nearest, renamed
from fpngraph.language.grammar.reference import is_name
from fpngraph.language.keys.findings import shown
from fpngraph.language.problems import Problems
from fpngraph.language.yaml.source import read
from fpngraph.language.yaml.value import Scalar, Value
from fpngraph.language.yaml.writing import to_yaml

Params = Mapping[Scalar, Value]
_TAKEN = {
    "preset": "it chooses a preset",
    "folder": "it is where files of graphs lie",
    "l": "it is the index of a member",
    "none": "it stands for no input",
}
_TYPES = {bool: "true or false", int: "an integer", float: "a number"}
_GIVEN = "<parameters>"


def read_params(document: Value, preset: Value | str | None, given: Value | Mapping[str, Any] | None) -> Params:
    """The parameters with their values. Raises GraphError for whatever is wrong in the file or in what is asked.

    A preset, and values that are ``given``, come from a caller, or from another file with their places.
    """
    problems = Problems()
    params, presets = document.section("params"), document.section("presets")
    problems.extend(_wrong_definitions(document, params))
    for name, entries in presets.items():
        problems.extend(_unfit(entries, params, f"preset {str(name)!r}: "))
    values = dict(params)
    chosen: object = preset.data if isinstance(preset, Value) else preset
    if isinstance(chosen, str) and chosen in presets:
        values |= presets[chosen].entries
    elif chosen is not None:
        known = list(map(str, islice(presets, 1000)))
        place = preset.span if isinstance(preset, Value) else None
        better = renamed(place, str(chosen), known) if place else None
        message = f"there is no preset {chosen!r}"
        problems.append(Problem("unknown-preset", message, place, nearest(str(chosen), known), replacement=better))
    if given:
        said = given if isinstance(given, Value) else read(to_yaml(dict(given)), _GIVEN)
        problems.extend(_unfit(said, params, ""))
        values |= said.entries
    if problems:
        raise problems.error()
    return values


def _wrong_definitions(document: Value, params: Params) -> Iterator[Problem]:
    for name, value in params.items():
        span = document.at(["params"]).key_spans[name]
        if not isinstance(name, str) or not is_name(name):
            hint = "letters, digits and _; no digit first"
            yield Problem("name-syntax", f"{span.written!r} is no name of a parameter", span, hint)
        elif name in _TAKEN:
            yield Problem("reserved-name", f"no parameter can be called {name!r}: {_TAKEN[name]}", span)
        yield from _references(value)


def _references(value: Value) -> Iterator[Problem]:
    for found in values_in(value):
        if isinstance(found.data, str) and found.data.startswith("$"):
            message = f"a parameter cannot refer to another, but this is {shown(found)}"
            yield Problem("nested-param", message, found.span)


def _unfit(said: Value, params: Params, what: str) -> Iterator[Problem]:
    """A problem for every value of a preset or of the caller whose name or type is not that of a parameter."""
    for name, value in said.entries.items():
        place = value.span.file != _GIVEN  # what the caller gives has no line of the file to point at
        if name not in params:
            known = list(map(str, islice(params, 1000)))
            span = said.key_spans[name] if place else None
            better = renamed(span, str(name), known) if span else None
            message = f"{what}there is no parameter {str(name)!r}"
            yield Problem("unknown-param", message, span, nearest(str(name), known), replacement=better)
            continue
        if not _fits(value, params[name]):
            listed = ", ".join(f"{known}: {shown(default)}" for known, default in islice(params.items(), 30))
            message = f"{what}parameter {name!r} is {shown(value)}, but must be {_type(params[name])}, like its default"
            span = value.span if place else None
            yield Problem("param-type", message, span, f"the parameters are {listed}")
        yield from _references(value)


def _fits(value: Value, default: Value) -> bool:
    """Whether a value may stand for its default: any for none, an integer for a number, else one of the same type."""
    same = _type(value) == _type(default)
    return same or default.data is None or (_type(default) == "a number" and type(value.data) is int)


def _type(value: Value) -> str:
    """What a value is to the rule above: an operator is a name or a mapping, inputs are a reference or a list."""
    return _TYPES.get(type(value.data), "empty" if value.data is None else "a string, a list or a mapping")


def values_in(value: Value) -> Iterator[Value]:
    """A value and all that is in it."""
    yield value
    if isinstance(value.data, Mapping | tuple):
        for entry in value.data.values() if isinstance(value.data, Mapping) else value.data:
            yield from values_in(entry)
