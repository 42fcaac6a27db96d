"""Ways out where a key is missing or has a value of another type: how it is written, and the text where one is sure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from fpngraph.errors import Replacement, Span, likely, renamed
from fpngraph.language.grammar.slips import listed
from fpngraph.language.yaml.value import Value
from fpngraph.ops.registry import find

_BOOLEANS = {
    **dict.fromkeys(("y", "yes", "on", "true"), "true"),
    **dict.fromkeys(("n", "no", "off", "false"), "false"),
}
_GOES_ON = re.compile(r"\s*,[^:]*[,}]")  # with an item of what should be a list, which YAML takes for a key
_INTEGER = re.compile(r"-?[0-9]{1,9}")
_LITERAL = re.compile(r"'([^']+)'")
_WIDEST = 60  # characters of a text that a hint writes anew
MISSING: Mapping[str, str] = {
    "fpngraph": "it is the version of the language: begin the file with 'fpngraph: 1'",
    "name": "say what the neck is called, such as 'name: my_neck'",
    "inputs": "name the maps of the backbone, such as 'inputs: C(3..5)'",
    "outputs": "name what the neck gives, such as 'outputs: P(3..7)'",
}
"""Of the keys that every graph has."""
VERSION = "fpngraph: 1\n"
NODE = object()
"""In place of a key, for a node as a whole."""


class Way(NamedTuple):
    """A hint, and what can be written in place of the value."""

    hint: str | None = None
    replacement: Replacement | None = None


def way_out(key: object, value: Value, required: Collection[str], params: Collection[Any]) -> Way:
    """The way from a value under ``key`` to one that is what is ``required``; ``params`` are names of parameters."""
    if isinstance(value.data, str):
        return _of_text(key, value, value.data, required, params)
    written = value.span.written
    if key == NODE and len(written) <= _WIDEST and written.startswith("[") and written.endswith("]"):
        return _instead(value, f"{{inputs: {written}}}")
    return Way("a node is written '{inputs: [P4, P5]}'") if key == NODE else Way()


def _of_text(key: object, value: Value, text: str, required: Collection[str], params: Collection[Any]) -> Way:
    if "true or false" in required and text.lower() in _BOOLEANS:
        return _boolean(value, text)
    if any("integer" in it or "number" in it for it in required):
        if _INTEGER.fullmatch(text):
            return Way(f"write {text} without quotes", _without_quotes(value))
        return _instead(value, f"${text}") if text in params and value.span.written == text else Way()
    if len(text) > _WIDEST:
        return Way()
    if key == "inputs":
        way = _instead(value, f"[{', '.join(listed(text))}]")
        return Way(way.hint) if goes_on(value.span) else way
    if key == NODE:
        return _instead(value, f"{{inputs: [{', '.join(listed(text))}]}}")
    if key == "resample":
        kinds = [kind for kind in ("down", "up") if find((kind,), text)]
        return Way(f"say it for a direction: '{{{(kinds or ['up'])[-1]}: {text}}}'")
    known = [name for it in required for name in _LITERAL.findall(it)]
    close = likely(text, known)
    return Way(f"did you mean {close!r}?", renamed(value.span, text, known)) if close else Way()


def goes_on(span: Span) -> bool:
    """Whether items follow, as in ``{op: conv, norm}``, that belong to the value and are no keys."""
    return _GOES_ON.match(span.text, span.end - 1) is not None


def _boolean(value: Value, text: str) -> Way:
    boolean = _BOOLEANS[text.lower()]
    if text == boolean:
        return Way(f"write {text} without quotes", _without_quotes(value))
    hint = f"in YAML 1.2 'yes', 'no', 'on' and 'off' are text; write {boolean!r}"
    return Way(hint, _replacement(value, boolean))


def _instead(value: Value, text: str) -> Way:
    return Way(f"write {text!r}", _replacement(value, text))


def _replacement(value: Value, text: str) -> Replacement | None:
    """``text`` in place of a value that stands on one line, without quotes, as it is."""
    span = value.span
    as_it_is = span.written == value.data or (isinstance(value.data, tuple) and span.written.startswith("["))
    return Replacement(span, text) if as_it_is and not _is_quoted(span) else None


def _without_quotes(value: Value) -> Replacement | None:
    span = value.span
    if span.written != value.data or not _is_quoted(span):
        return None
    return Replacement(replace(span, column=span.column - 1, end=span.end + 1), span.written)


def _is_quoted(span: Span) -> bool:
    before, after = span.text[: span.column - 1][-1:], span.text[span.end - 1 :][:1]
    return before == after and before in ("'", '"')
