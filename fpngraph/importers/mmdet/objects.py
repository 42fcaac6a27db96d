"""Values as Python has them: variables and entries that hold the same one see its changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fpngraph.errors import Span
from fpngraph.language.yaml.value import Scalar, Value


@dataclass(eq=False)
class Object:
    """A value as Python has it: whatever holds it sees its changes."""

    data: Scalar | list[Object] | dict[Any, Object]
    span: Span


def from_value(value: Value, known: dict[int, Object]) -> Object:
    """What another file says, as Python has it; ``known`` are the parts that were made already."""
    if id(value) not in known:
        data: Any = value.data
        if isinstance(data, Mapping):
            data = {key: from_value(it, known) for key, it in data.items()}
        elif isinstance(data, tuple):
            data = [from_value(it, known) for it in data]
        known[id(value)] = Object(data, value.span)
    return known[id(value)]


def to_value(it: Object, known: dict[int, Value]) -> Value:
    """What became of an object; ``known`` are the parts that were made already."""
    if id(it) not in known:
        data: Any = it.data
        spans = {}
        if isinstance(data, dict):
            data = {key: to_value(inner, known) for key, inner in data.items()}
            spans = {key: inner.span for key, inner in data.items()}
        elif isinstance(data, list):
            data = tuple(to_value(inner, known) for inner in data)
        known[id(it)] = Value(data, it.span, spans, False)
    return known[id(it)]
