"""One configuration over another one, as mmengine lays it."""

from __future__ import annotations

from collections.abc import Mapping

from fpngraph.errors import GraphError, Problem
from fpngraph.language.yaml.value import Value


class Unread(str):
    """In place of a value: what a file does to get it."""


def merged(base: Value, own: Value, known: dict[tuple[int, int], Value] | None = None) -> Value:
    """A mapping over another one as mmengine lays it: key by key, or alone where it has ``_delete_``.

    ``known`` are those that were laid already: values may stand in many places.
    Raises GraphError where a mapping comes over something else.
    """
    known = {} if known is None else known
    pair = id(base), id(own)
    if pair not in known:
        entries, spans = dict(base.entries), dict(base.key_spans)
        for key, value in own.entries.items():
            spans[key] = own.key_spans[key]
            entries[key] = _laid(key, entries.get(key), value, known)
        known[pair] = Value(entries, own.span, spans, False)
    return known[pair]


def _laid(key: object, base: Value | None, own: Value, known: dict[tuple[int, int], Value]) -> Value:
    if not isinstance(own.data, Mapping):
        return own
    if base is None or ("_delete_" in own.data and bool(own.data["_delete_"].data)):
        entries = {name: it for name, it in own.data.items() if name != "_delete_"}
        return Value(entries, own.span, own.key_spans, False)
    if isinstance(base.data, Unread):
        return base
    if not isinstance(base.data, Mapping):
        hint = "'_delete_=True' in it puts it in the place of the other"
        message = f"{key!r} is a mapping, but there is none in the base to lay it over"
        raise GraphError([Problem("not-converted", message, own.span, hint)])
    return merged(base, own, known)
