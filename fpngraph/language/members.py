"""What a stage declares: every member of every family, with the candidates of each input and its settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fpngraph.errors import Span
from fpngraph.language.keys.models import Defaults, Resample

Key = tuple[str, int | None]
"""Family and index, or a name and None: the same node however it is written."""


def text_of(key: Key) -> str:
    """A key as a file writes it."""
    family, index = key
    return family if index is None else f"{family}{index}" if index >= 0 else f"{family}({index})"


@dataclass(frozen=True, slots=True)
class Candidates:
    """An input as declared: the names to try in order, whether it may be missing, and settings of its own."""

    keys: tuple[Key, ...]
    optional: bool
    span: Span
    text: str
    resample: Resample | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A node as declared, its index worked out; each run of its stage makes one node of it."""

    key: Key
    level: int
    inputs: tuple[Candidates, ...]
    settings: Defaults
    span: Span
    declared: str
    """The key of the file that declares it, such as ``td(3..6)``."""
    single: bool
    """Whether it is written with one input: one entry, which is no range and does not end in ``none``."""


@dataclass(frozen=True, slots=True)
class Binding:
    """An output of a stage or of the graph: the name bound (None: the source's own) and what it stands for."""

    key: Key | None
    candidates: Candidates


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as declared. ``repeat`` is None where the file does not say it: then no run is in the full names."""

    name: str | None
    repeat: int | None
    members: tuple[Member, ...]
    outputs: tuple[Binding, ...] | None
    span: Span

    @property
    def runs(self) -> Sequence[int | None]:
        return (None,) if self.repeat is None else range(self.repeat)
