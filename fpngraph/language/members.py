"""What a stage declares: every member of every family, with the candidates of each input and its settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fpngraph.errors import Span
from fpngraph.graph.graph import Graph
from fpngraph.graph.nodes import Input
from fpngraph.language.keys.models import Defaults, Resample

_INDEX = re.compile("[0-9]+$")
Key = tuple[str, int | None]
"""Family and index, or a name and None: the same node however it is written."""


def text_of(key: Key) -> str:
    """A key as a file writes it."""
    family, index = key
    return family if index is None else f"{family}{index}" if index >= 0 else f"{family}({index})"


def key_of(text: str) -> Key:
    """The key that ``text_of`` writes so, of an index that is not negative."""
    index = _INDEX.search(text)
    return (text[: index.start()], int(index[0])) if index else (text, None)


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
    channels_span: Span
    """Where its ``channels`` are said; where it is declared itself, if nobody says them."""


@dataclass(frozen=True, slots=True)
class Binding:
    """An output of a stage or of the graph: the name bound (None: the source's own) and what it stands for."""

    key: Key | None
    candidates: Candidates


@dataclass(frozen=True, slots=True)
class UsedGraph:
    """A graph in place of the nodes of a stage, and what stands for each of its inputs."""

    graph: Graph
    inputs: tuple[tuple[Input, Candidates], ...]

    @property
    def outputs(self) -> Mapping[Key, str]:
        """The full name of what each output is, as the graph itself has it."""
        return {key_of(name): source for name, source in self.graph.outputs.items()}


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as declared. ``repeat`` is None where the file does not say it: then no run is in the full names."""

    name: str | None
    repeat: int | None
    members: tuple[Member, ...]
    outputs: tuple[Binding, ...] | None
    span: Span
    used: UsedGraph | None = None

    @property
    def size(self) -> tuple[int, int]:
        """How many nodes a run makes, and how many inputs of nodes and outputs it connects."""
        inputs = [len(member.inputs) for member in self.members]
        if self.used:
            inputs = [len(node.edges) for node in self.used.graph.nodes.values()]
        return len(inputs), sum(inputs) + len(self.outputs or ())

    @property
    def runs(self) -> Sequence[int | None]:
        return (None,) if self.repeat is None else range(self.repeat)
