"""Where in a graph file somebody is typing: the keys that lead there, read from the tokens before the cursor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from fpngraph.editor.places import Path

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MARK = "CuRsOr"  # stands for the cursor in the text that is scanned
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
    flow: bool
    """Whether it is in brackets."""


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is open."""

    kind: Literal["map", "list"]
    flow: bool
    implied: bool = False
    """Whether no token ends it: a list at the indentation of its key, a pair in a list."""
    key: str | None = None
    is_value: bool = False
    index: int = -1
    keys: set[str] = field(default_factory=set)


def cursor_at(lines: list[str], line: int, column: int) -> Cursor | None:
    """Where the cursor is; None in a comment, and where what stands before it is no YAML.

    ``lines`` are those of a file that was mended, but for the one that is typed in. Both numbers count from 1.
    """
    typed = lines[line - 1][: column - 1]
    before = "\n".join([*lines[: line - 1], typed])
    is_fresh = _FRESH.fullmatch(typed) is not None and "- " not in f"{typed} "
    for end in (":",) if is_fresh else ("", "'", '"'):
        try:
            return _scanned(f"{before}{_MARK}{end}")
        except yaml.YAMLError:
            continue
    return None


def _scanned(text: str) -> Cursor | None:
    stack: list[_Frame] = []
    for token in _tokens(text):
        if isinstance(token, yaml.ScalarToken):
            if _MARK in token.value:
                return _cursor(stack, token.value.partition(_MARK)[0])
            if stack and stack[-1].kind == "map" and not stack[-1].is_value:
                stack[-1].key = token.value
                stack[-1].keys.add(token.value)
        else:
            _step(stack, token)
    return None


def _tokens(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        while loader.check_token():
            yield loader.get_token()
    finally:
        loader.dispose()


_OPENING: dict[type[yaml.Token], tuple[Literal["map", "list"], bool]] = {
    yaml.BlockMappingStartToken: ("map", False),
    yaml.FlowMappingStartToken: ("map", True),
    yaml.BlockSequenceStartToken: ("list", False),
    yaml.FlowSequenceStartToken: ("list", True),
}
_CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


def _step(stack: list[_Frame], token: yaml.Token) -> None:
    """What a token opens, closes or goes on with."""
    if type(token) in _OPENING:
        kind, flow = _OPENING[type(token)]
        stack.append(_Frame(kind, flow, index=0 if flow else -1))
    elif isinstance(token, _CLOSING):
        _pop_implied(stack)
        if stack:
            stack.pop()
    elif stack:
        _go_on(stack, token)


def _go_on(stack: list[_Frame], token: yaml.Token) -> None:
    if isinstance(token, yaml.KeyToken):
        if stack[-1].kind == "list" and stack[-1].flow:
            stack.append(_Frame("map", True, implied=True))
        elif stack[-1].kind == "list":
            _pop_implied(stack)
        stack[-1].key, stack[-1].is_value = None, False
    elif isinstance(token, yaml.ValueToken):
        stack[-1].is_value = True
    elif isinstance(token, yaml.BlockEntryToken):
        if stack[-1].kind == "map":
            stack.append(_Frame("list", False, implied=True))
        stack[-1].index += 1
    elif isinstance(token, yaml.FlowEntryToken):
        _pop_implied(stack)
        stack[-1].index += 1
        stack[-1].key, stack[-1].is_value = None, False


def _pop_implied(stack: list[_Frame]) -> None:
    while len(stack) > 1 and stack[-1].implied:
        stack.pop()


def _cursor(stack: list[_Frame], written: str) -> Cursor:
    path = [frame.key if frame.kind == "map" else frame.index for frame in stack]
    flow = bool(stack) and stack[-1].flow
    if not stack:
        return Cursor((), "key", written, frozenset(), False)
    top = stack[-1]
    if top.kind == "map" and not top.is_value:
        return Cursor(tuple(path[:-1]), "key", written, frozenset(top.keys - {None}), flow)
    return Cursor(tuple(path), "value", written, frozenset(), flow)
