"""Where in a graph file somebody is typing: the keys that lead there, read from what stands before the cursor."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from fpngraph.editor.places import Path

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MARK = "CuRsOr"  # stands for the cursor in the text that is read
_FRESH = re.compile(r"\s*[A-Za-z_$]?[\w$()+*. -]*")  # a line on which nothing but one word is written yet


@dataclass(frozen=True, slots=True)
class Cursor:
    """What is typed: a key of the mapping at ``path``, or the value at it."""

    path: Path
    role: Literal["key", "value"]
    written: str
    """What is there of it already, before the cursor."""
    siblings: frozenset[str]
    """Keys that the mapping has before it."""


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is open."""

    step: int | str | None
    """The index or key of the value that is next; None where it is a key."""
    keys: set[str] = field(default_factory=set)

    def read(self, said: str) -> None:
        """An item, a key or a value has been there."""
        if isinstance(self.step, int):
            self.step += 1
        elif self.step is None:
            self.step = said
            self.keys.add(said)
        else:
            self.step = None


def cursor_at(lines: list[str], line: int, column: int) -> Cursor | None:
    """Where the cursor is; None in a comment, and where what stands before it is no YAML.

    ``lines`` are those of a file that was mended, but for the one that is typed in. Both numbers count from 1.
    """
    typed = lines[line - 1][: column - 1]
    before = "\n".join([*lines[: line - 1], typed])
    is_fresh = _FRESH.fullmatch(typed) is not None and "- " not in f"{typed} "
    for end in (":",) if is_fresh else ("", "'", '"'):
        try:
            return _found(f"{before}{_MARK}{end}")
        except yaml.YAMLError:
            continue
    return None


def _found(text: str) -> Cursor | None:
    stack: list[_Frame] = []
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append(_Frame(0 if isinstance(event, yaml.SequenceStartEvent) else None))
        elif isinstance(event, yaml.ScalarEvent) and _MARK in event.value:
            return _cursor(stack, event.value.partition(_MARK)[0])
        elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            if isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
            if stack:
                stack[-1].read(getattr(event, "value", ""))
    return None


def _cursor(stack: list[_Frame], written: str) -> Cursor:
    path = tuple(frame.step for frame in stack)
    if path and path[-1] is not None:
        return Cursor(path, "value", written, frozenset())
    return Cursor(path[:-1], "key", written, frozenset(stack[-1].keys if stack else ()))
