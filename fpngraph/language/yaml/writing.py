"""Writes plain data as the YAML of a graph file: a line per entry at the top, brackets where they fit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fpngraph.errors import GraphError, Problem
from fpngraph.language.limits import MAX_DEPTH, MAX_DIGITS, MAX_VALUES
from fpngraph.language.yaml.scalars import resolve

_WIDTH = 110
_MAX_KEY = 1000  # YAML finds the ':' of a key within 1024 characters
_BLOCK_LEVELS = {"stages": 2, "nodes": 1, "presets": 1}  # under these keys, levels with a line per entry
_YAML_1_1 = frozenset({"y", "n", "yes", "no", "on", "off"})  # true and false to other readers: quoted for them
_PLAIN = re.compile(r"[A-Za-z_$/(](?:[\w $./()+*|=<>'\"-]|:(?=[\w/]))*")
_PLAIN_OUTSIDE_BRACKETS = re.compile(r"[A-Za-z_$/(](?:[\w $./()+*|=<>'\"-]|:(?=[\w/])|,(?=\S| \S))*")
_ESCAPED = re.compile(r"""[\0-\x1f"\\\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]""")
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def to_yaml(data: Any) -> str:
    """The text that ``read`` reads back equal. Raises GraphError for what is not a mapping of plain data."""
    if not isinstance(data, Mapping):
        raise _refused(f"a graph file is a mapping, not {type(data).__name__}")
    _Check().check(data, 1)
    return "\n".join(_mapping_lines(data, 0, 1)) + "\n" if data else "{}\n"


def _refused(message: str) -> GraphError:
    return GraphError([Problem("not-plain-data", f"cannot be written as YAML: {message}")])


class _Check:
    """Refuses what could not be read back, before anything is written."""

    def __init__(self) -> None:
        self._values = 0

    def check(self, data: Any, depth: int) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _refused(f"it has more than {MAX_VALUES} values")
        if isinstance(data, Mapping | list | tuple):
            if depth > MAX_DEPTH:
                raise _refused(f"lists and mappings are nested deeper than {MAX_DEPTH} levels, or contain themselves")
            if isinstance(data, Mapping):
                for key in data:
                    self._check_key(key)
            for item in data.values() if isinstance(data, Mapping) else data:
                self.check(item, depth + 1)
        else:
            self._check_scalar(data)

    def _check_key(self, key: object) -> None:
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise _refused(f"the key {key!r} is neither a string nor an integer")
        self._values += 1
        self._check_scalar(key)
        if len(_scalar(key, _PLAIN)) > _MAX_KEY:
            raise _refused(f"a key of more than {_MAX_KEY} characters")

    @staticmethod
    def _check_scalar(data: object) -> None:
        if isinstance(data, str):
            if any("\ud800" <= character <= "\udfff" for character in data):
                raise _refused("half of a surrogate pair is no character")
        elif isinstance(data, int):
            if abs(data) >= 10**MAX_DIGITS:
                raise _refused(f"an integer of more than {MAX_DIGITS} digits")
        elif data is not None and not isinstance(data, float):
            raise _refused(f"a value of type {type(data).__name__} is no plain data")


def _mapping_lines(data: Mapping[Any, Any], indent: int, block_levels: int) -> Iterator[str]:
    """A line per entry. Mappings down to ``block_levels`` below are written so even where brackets would fit."""
    for key, value in data.items():
        start = f"{' ' * indent}{_scalar(key, _PLAIN)}:"
        levels = block_levels - 1 or _BLOCK_LEVELS.get(key, 0)
        if not isinstance(value, Mapping | list | tuple):
            yield f"{start} {_scalar(value, _PLAIN_OUTSIDE_BRACKETS)}"
        elif isinstance(value, Mapping) and value and (levels or not _fits(start, value)):
            yield start
            yield from _mapping_lines(value, indent + 2, max(levels, 1))
        elif isinstance(value, Mapping) or not value or _fits(start, value):
            yield f"{start} {flow(value)}"
        else:
            yield start
            yield from _list_lines(value, indent + 2)


def _list_lines(data: Any, indent: int) -> Iterator[str]:
    for item in data:
        start = f"{' ' * indent}-"
        if not isinstance(item, Mapping | list | tuple):
            yield f"{start} {_scalar(item, _PLAIN_OUTSIDE_BRACKETS)}"
        elif not item or _fits(start, item):
            yield f"{start} {flow(item)}"
        else:
            lines = _mapping_lines(item, indent + 2, 1) if isinstance(item, Mapping) else _list_lines(item, indent + 2)
            yield f"{start} {next(lines).lstrip(' ')}"
            yield from lines


def _fits(start: str, value: Any) -> bool:
    room = _WIDTH - len(start) - 1
    return len(value) * 3 <= room and len(flow(value)) <= room


def flow(data: Any) -> str:
    """Plain data on one line, in brackets."""
    if isinstance(data, Mapping):
        return "{" + ", ".join(f"{_scalar(key, _PLAIN)}: {flow(value)}" for key, value in data.items()) + "}"
    if isinstance(data, list | tuple):
        return "[" + ", ".join(flow(item) for item in data) + "]"
    return _scalar(data, _PLAIN)


def _scalar(data: Any, plain: re.Pattern[str]) -> str:
    if isinstance(data, str):
        text = str.__str__(data)  # as int.__repr__ below: a subclass, such as an enum, writes itself in another way
        return text if _reads_back(text, plain) else _quoted(text)
    if data is None or isinstance(data, bool):
        return {None: "null", True: "true", False: "false"}[data]
    if isinstance(data, int):
        return int.__repr__(data)
    if math.isnan(data):
        return ".nan"
    if math.isinf(data):
        return ".inf" if data > 0 else "-.inf"
    return re.sub(r"^(-?\d+)e", r"\1.0e", float.__repr__(data))  # without a point it is text to readers of YAML 1.1


def _reads_back(text: str, plain: re.Pattern[str]) -> bool:
    """Whether ``text`` without quotes is read as this text."""
    if not plain.fullmatch(text) or text[-1] == " " or not text.isprintable():
        return False
    return text.lower() not in _YAML_1_1 and resolve(text) == text


def _quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return _SHORT_ESCAPES.get(found[0]) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
