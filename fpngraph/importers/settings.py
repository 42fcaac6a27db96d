"""What is the same in many configurations: levels from strides, norms, activations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from fpngraph.errors import Problem
from fpngraph.language.keys.findings import shown
from fpngraph.language.yaml.value import Value

CONV = {"conv": {"kernel": 3}}
STRIDED = {"strided_conv": {"kernel": 3}}


@dataclass
class Findings:
    """What is wrong with the settings of a neck, each at its place."""

    value: Value
    problems: list[Problem] = field(default_factory=list)

    def add(self, key: str, message: str, hint: str | None = None) -> None:
        """A problem of the setting ``key``."""
        self.problems.append(Problem("not-converted", message, self.value.at([key]).span, hint))

    def only(self, key: str, *allowed: Any, hint: str | None = None) -> None:
        """A problem where a setting is said and has none of the values that the graph is for."""
        said = self.value.entries.get(key)
        if said is not None and said.plain() not in allowed:
            least = " or ".join(_told(it) for it in allowed)
            self.add(key, f"{key!r} is {told(said)}, but the graph is for {least}", hint)

    def norm(self, key: str, said: Any, kinds: Mapping[str, str]) -> Any:
        """The norm of a graph for a mapping with a ``type``; None where it says no norm."""
        if said is None:
            return None
        kind = said.get("type") if isinstance(said, Mapping) else said
        name = kinds.get(str(kind))
        if name is None:
            self.add(key, f"there is no norm for {kind!r}", f"there are: {', '.join(kinds)}")
            return None
        names = {"eps": "eps", "momentum": "momentum", "num_groups": "groups"}
        settings = {ours: said[theirs] for theirs, ours in names.items() if theirs in said}
        return {name: settings} if settings else name


def told(value: Value) -> str:
    """A setting as a message shows it: a mapping by its ``type`` where it has one."""
    kind = value.entries.get("type")
    return f"a {kind.plain()!r}" if kind is not None else shown(value)


def _told(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)


def levels_of(strides: Sequence[int]) -> list[int] | None:
    """The levels of maps whose strides are powers of two, each twice the one before; None for others."""
    if any(stride < 1 or stride & (stride - 1) for stride in strides):
        return None
    if any(coarse != 2 * fine for fine, coarse in pairwise(strides)):
        return None
    return [stride.bit_length() - 1 for stride in strides]


def values_within(value: Value) -> Iterator[Value]:
    """All values in one, itself too."""
    yield value
    inner = value.data if isinstance(value.data, tuple) else tuple(value.entries.values())
    for one in inner:
        yield from values_within(one)
