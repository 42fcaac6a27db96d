"""Places in a file, which count characters from 1, as the protocol has them: units of a code from 0."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.workspace import PositionCodec

from fpngraph.errors import Span
from fpngraph.language.yaml.value import Value

_BREAK = re.compile("\r\n|[\n\r]")  # what the protocol counts as the end of a line
Path = tuple[Any, ...]
"""Keys and indices that lead to a value of a file."""


class Lines:
    """The lines of a text, and places on them."""

    def __init__(self, text: str, codec: PositionCodec) -> None:
        self.lines = _BREAK.split(text)
        self.codec = codec
        self._mark = text.startswith("\ufeff")  # the language reads on behind it

    def range(self, span: Span | None) -> types.Range:
        """Where a stretch is; the beginning of the file for what has no place."""
        if span is None:
            return self.stretch(1, 1, 1)
        shift = 1 if self._mark and span.line == 1 else 0
        return self.stretch(span.line, span.column + shift, span.end + shift)

    def stretch(self, line: int, column: int, end: int) -> types.Range:
        """From one column of a line to another."""
        return types.Range(self._position(line, column), self._position(line, end))

    def _position(self, line: int, column: int) -> types.Position:
        before = self.lines[line - 1][: column - 1] if line <= len(self.lines) else ""
        return types.Position(line - 1, self._units(before))

    def _units(self, text: str) -> int:
        return len(text) if text.isascii() else self.codec.client_num_units(text)

    def at(self, position: types.Position) -> tuple[int, int]:
        """Line and column of a position; one beyond its line is at the end of that."""
        line = min(position.line, len(self.lines) - 1)
        column = units = 0
        for character in self.lines[line]:
            if units >= position.character or position.line > line:
                break
            units += self._units(character)
            column += 1
        return line + 1, column + 1


@dataclass(frozen=True, slots=True)
class Leaf:
    """A key or a scalar of a file, and the keys and indices that lead to it (to the value of a key)."""

    path: Path
    span: Span
    is_key: bool
    value: Value


def leaves(value: Value, path: Path = ()) -> Iterator[Leaf]:
    """Every key and scalar of a file; what an alias repeats has the place of its anchor."""
    if isinstance(value.data, tuple):
        for number, entry in enumerate(value.data):
            yield from leaves(entry, (*path, number))
    elif value.key_spans or value.entries:
        for key, entry in value.entries.items():
            yield Leaf((*path, key), value.key_spans[key], True, entry)
            yield from leaves(entry, (*path, key))
    else:
        yield Leaf(path, value.span, False, value)


def leaf_at(value: Value, line: int, column: int) -> Leaf | None:
    """What stands at a place, the end of a word being part of it."""
    here = (leaf for leaf in leaves(value) if holds(leaf.span, line, column))
    return min(here, key=lambda leaf: leaf.span.end - leaf.span.column, default=None)


def holds(span: Span, line: int, column: int) -> bool:
    """Whether a place is on a stretch, or right behind it."""
    return span.line == line and span.column <= column <= span.end
