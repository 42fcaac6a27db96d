"""A graph file as data that knows its places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fpngraph.errors import Span

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a graph file with its place.

    ``span`` marks a scalar's characters (of a quoted one on a single line, those inside the quotes), a list or mapping
    in brackets from its first to its last on that line, and otherwise the first key or item.
    """

    data: Scalar | tuple[Value, ...] | Mapping[Scalar, Value]
    span: Span
    key_spans: Mapping[Scalar, Span]
    """The place of each key of a mapping; empty for all else."""
    verbatim: bool
    """Whether the characters at ``span`` are exactly the scalar's text, so that a part of it has a place."""

    @property
    def entries(self) -> Mapping[Any, Value]:
        """Those of a mapping; none of anything else."""
        return self.data if isinstance(self.data, Mapping) else {}

    def section(self, key: str) -> Mapping[Any, Value]:
        """The entries of the mapping under a key; none where there is no such mapping."""
        value = self.entries.get(key)
        return value.entries if value else {}

    def plain(self) -> Any:
        """The same in dicts, lists and scalars."""
        if isinstance(self.data, Mapping):
            return {key: value.plain() for key, value in self.data.items()}
        if isinstance(self.data, tuple):
            return [value.plain() for value in self.data]
        return self.data

    def at(self, path: Sequence[str | int]) -> Value:
        """The deepest value along ``path`` (keys and indices), which may lead out of the tree."""
        value = self
        for step in path:
            if isinstance(value.data, Mapping) and step in value.data:
                value = value.data[step]
            elif isinstance(value.data, tuple) and isinstance(step, int) and 0 <= step < len(value.data):
                value = value.data[step]
            else:
                break
        return value
