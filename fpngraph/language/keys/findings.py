"""pydantic's findings as problems with a place: what was found, what is required, a hint."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from fpngraph.codes import Code
from fpngraph.errors import Problem, Replacement, Span, nearest, renamed
from fpngraph.language.grammar.reference import is_name
from fpngraph.language.keys.models import Defaults, NodeSpec, Resample
from fpngraph.language.keys.ways import MISSING, NODE, VERSION, goes_on, way_out
from fpngraph.language.limits import MAX_PROBLEMS
from fpngraph.language.yaml.value import Value
from fpngraph.ops.elsewhere import setting_here

M = TypeVar("M", bound=BaseModel)
Loc = tuple[int | str, ...]
_REQUIRED = {
    "int_type": "an integer",
    "float_type": "a number",
    "string_type": "a string",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "finite_number": "a finite number",
    "string_too_short": "a text of at least one character",
}
_BOUNDS = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
_WORDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


class About(NamedTuple):
    """What messages say about a value: its name, which the whole file has not, and the parameters that there are."""

    name: str | None = None
    params: Collection[Any] = ()


A_FILE = About()


def validate(model: type[M], value: Value, problems: list[Problem], plain: Any, about: About = A_FILE) -> M | None:
    """``plain``, which is ``value.plain()``, as a ``model``; None, and all findings in ``problems``, if it is not."""
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        details = islice(_flat(error.errors(include_url=False, include_input=False)), 10 * MAX_PROBLEMS)
        told = [problem.span for problem in problems if problem.span]
        findings = _Findings(model, value, about).problems(details)
        problems.extend(it for it in findings if it.span is None or not _follows(it.span, told))
        return None


def _follows(span: Span, told: Iterable[Span]) -> bool:
    """Whether what is found at a ``$name`` or ``$(...)`` only follows from what is wrong with that itself."""
    if not span.written.startswith("$"):
        return False
    return any((it.file, it.line) == (span.file, span.line) and span.column <= it.column < span.end for it in told)


def _flat(details: Sequence[ErrorDetails], outer: Loc = ()) -> Iterator[ErrorDetails]:
    """The findings with those of operators' own settings in place of "these settings are wrong"."""
    for detail in details:
        loc = outer + detail["loc"]
        nested = detail.get("ctx", {}).get("nested")
        if nested:
            yield from _flat(nested, loc)
        else:
            yield {**detail, "loc": loc}


class _Findings:
    """pydantic's findings about one value of a file."""

    def __init__(self, model: type[BaseModel], root: Value, about: About) -> None:
        self.model, self.root, self.name, self.params = model, root, about.name, about.params

    def problems(self, details: Iterable[ErrorDetails]) -> Iterator[Problem]:
        """One problem per place, or per missing key."""
        places: dict[Loc, list[ErrorDetails]] = {}
        for detail in details:
            of_a_key = detail["loc"][-1:] == ("[key]",)  # the part before is the key, or None and such as text
            path = _existing(self.root, detail["loc"][:-2] if of_a_key else detail["loc"])
            places.setdefault((*path, "[key]") if of_a_key else path, []).append(detail)
        unknown = {path: self._unknown_key(path, found[0]) for path, found in places.items() if _is_unknown(found)}
        meant = {(*path[:-1], it.replacement.text) for path, it in unknown.items() if it.replacement}
        for path, found in places.items():
            if path[-1:] == ("[key]",):
                yield from self._wrong_keys(path[:-1])
            elif path in unknown:
                yield unknown[path]
            elif found[0]["type"] in ("unknown_operator", "wrong_key"):
                yield self._wrong_key(path, found[0]["type"], found[0]["ctx"])
            elif found[0]["type"] == "missing":
                yield from (
                    self._missing(path, str(it["loc"][-1])) for it in found if (*path, it["loc"][-1]) not in meant
                )
            else:
                yield self._wrong_value(path, found)

    def _unknown_key(self, path: Loc, detail: ErrorDetails) -> Problem:
        known = detail.get("ctx", {}).get("known") or _keys(self.model, path[:-1])
        span, key = self.root.at(path[:-1]).key_spans[path[-1]], str(path[-1])
        better = renamed(span, key, known)
        hint = nearest(key, known)
        if of_torch := setting_here(key, known):
            hint, name = of_torch
            better = Replacement(span, name) if name and span.written == key else None
        elif better is None and "nodes" in known and "inputs" in self.root.at(path).entries:
            hint = "a node stands under 'nodes': indent it as those there"
        elif better is None and "defaults" in known and key in Defaults.model_fields:
            hint = f"{key!r} stands in 'defaults', or in a node"
        elif better is None and "resample" in known and key in Resample.model_fields:
            hint = f"{key!r} stands in 'resample', or in an input of its own: {{from: P5, {key}: ...}}"
        elif better is None and not is_name(key) and self.root.at(path).data is None:
            hint = "several items stand in brackets, such as 'inputs: [P4, P5]'"
        return Problem("unknown-key", f"unknown key {key!r}", span, hint, replacement=better)

    def _wrong_key(self, path: Loc, kind: str, context: Mapping[str, Any]) -> Problem:
        """A problem of a key that names an operator, or a level."""
        span, key = self.root.at(path[:-1]).key_spans[path[-1]], path[-1]
        better = context["better"] if span.written == key else None
        replacement = Replacement(span, better) if better else None
        if kind == "wrong_key":
            message = f"a key of {self._named(path[:-1])} is {key!r}, but must be {context['required']}"
            return Problem("wrong-value", message, span, context["hint"], replacement=replacement)
        message = f"{key!r} is not the name of {context['required']}"
        return Problem("unknown-operator", message, span, context["hint"], replacement=replacement)

    def _missing(self, path: Loc, key: str) -> Problem:
        where = f" in {self._named(path)}" if path or self.name else ""
        span = self.root.at(path).span
        if where:
            hint = "such as 'inputs: [P4, P5]'" if key == "inputs" else None
            return Problem("missing-key", f"the key {key!r} is missing{where}", span, hint)
        first = replace(span, end=span.column)
        in_a_line = key == "fpngraph" and span.column == 1 and not span.written.startswith("{")
        better = Replacement(first, VERSION) if in_a_line else None
        return Problem("missing-key", f"the key {key!r} is missing", span, MISSING.get(key), replacement=better)

    def _named(self, path: Loc) -> str:
        """What a message calls the value at a path."""
        named = next((part for part in reversed(path) if isinstance(part, str)), self.name)
        if named is None:
            return "an entry"
        if not path or not isinstance(path[-1], int):
            return repr(named)
        return f"entry {path[-1]} of {named!r}" if self.root.at(path[:-1]).entries else f"an entry of {named!r}"

    def _wrong_keys(self, path: Loc) -> Iterator[Problem]:
        for key, span in self.root.at(path).key_spans.items():
            if not isinstance(key, str):
                hint = "a name is letters, digits and _; no digit first"
                yield Problem("name-syntax", f"expected a name, found {span.written!r}", span, hint)

    def _wrong_value(self, path: Loc, found: Sequence[ErrorDetails]) -> Problem:
        value = self.root.at(path)
        required = dict.fromkeys(_required(detail) for detail in found)
        hint = next((hint for detail in found if (hint := detail.get("ctx", {}).get("hint"))), None)
        code = _code(found)
        if isinstance(value.data, str) and value.data.startswith("$("):
            code, hint = "no-index", "'l' has a value only in the entries of 'nodes' and in 'defaults'"
        better = next((better for detail in found if (better := detail.get("ctx", {}).get("better"))), None)
        whole = value.span.written == value.data and not goes_on(value.span)
        replacement = Replacement(value.span, better) if better and whole else None
        if hint is None:
            key = path[-1] if path else NODE if self.model is NodeSpec else None
            hint, replacement = way_out(key, value, required, self.params)
        by = f" (from {value.span.written!r})" if value.span.written.startswith("$") and code != "no-index" else ""
        message = f"{self._named(path)} is {shown(value)}{by}, but must be {' or '.join(required)}"
        return Problem(code, message, value.span, hint, replacement=replacement)


def _is_unknown(found: Sequence[ErrorDetails]) -> bool:
    return found[0]["type"] == "extra_forbidden"


def _code(found: Sequence[ErrorDetails]) -> Code:
    """What kind of mistake a wrong value is: what the first finding says that knows it."""
    if any(detail["type"] == "too_long" for detail in found):
        return "limit-exceeded"
    return next((code for detail in found if (code := detail.get("ctx", {}).get("code"))), "wrong-value")


def _required(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "wrong":
        return str(context["required"])
    if kind == "literal_error":
        return str(context["expected"])
    if kind in _BOUNDS:
        bound = _BOUNDS[kind]
        return f"{_WORDS[bound]} {context[bound]}"
    if kind == "too_short":
        return f"a {'list' if context['field_type'] == 'List' else 'mapping'} with at least one entry"
    if kind == "too_long":
        return f"a list with at most {context['max_length']} entries"
    return _REQUIRED.get(kind, detail["msg"])


def shown(value: Value) -> str:
    """A value as a message shows it: scalars as they are, the rest by what it is."""
    if isinstance(value.data, tuple):
        return "a list" if value.data else "an empty list"
    if isinstance(value.data, Mapping):
        return "a mapping" if value.data else "an empty mapping"
    if value.data is None:
        return "empty"
    if isinstance(value.data, bool):
        return str(value.data).lower()
    if isinstance(value.data, str) and len(value.data) > 60:
        return repr(f"{value.data[:57]}...")
    return repr(value.data)


def _existing(root: Value, loc: Loc) -> Loc:
    """The path of a finding as far as it exists in the file; pydantic's branch names are not part of it."""
    path: list[int | str] = []
    value = root
    for part in loc:
        inner = value.data
        if isinstance(inner, Mapping) and part in inner:
            value = inner[part]
        elif isinstance(inner, tuple) and isinstance(part, int) and part < len(inner):
            value = inner[part]
        else:
            break
        path.append(part)
    return tuple(path)


def _keys(model: type[BaseModel], path: Loc) -> list[str]:
    """The keys that the model at ``path`` inside ``model`` has."""
    for part in path:
        if isinstance(part, int):
            continue
        model = _inner(model, part) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _inner(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    field = next((f for name, f in model.model_fields.items() if key in (name, f.alias)), None)
    stack: list[Any] = [field.annotation] if field else []
    while stack:
        annotation = stack.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation is not BaseModel:
            return annotation
        stack.extend(get_args(annotation))
    return None
