"""The graph that a command is about, and what goes into it."""

from __future__ import annotations

import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpngraph.cli.values import UsageError
from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph
from fpngraph.language.limits import MAX_BYTES
from fpngraph.language.uses import is_path
from fpngraph.library import files_of, load, load_data

_STDIN = ("-", "/dev/stdin")
_ASKED = frozenset({"unknown-graph", "unreadable-file", "unknown-preset", "unknown-param", "param-type", "in-channels"})


@dataclass(frozen=True, slots=True)
class Choice:
    """A graph as somebody names it, and what goes into it."""

    name: str
    """Of a shipped graph, or a path; '-' is standard input."""
    preset: str | None
    params: Mapping[str, Any]
    backbone: str | None = None
    in_channels: tuple[int, ...] | None = None
    folder: str | None = None
    """Where graphs may be that a file uses, besides its own folder."""

    @property
    def called(self) -> str:
        """What errors call it."""
        return "<stdin>" if self.name in _STDIN else self.name

    def load(self) -> Graph:
        """The graph; of '-' and of a pipe, what comes to its end. Raises GraphError, also for what cannot be read."""
        if is_stream(self.name):
            return load_data(_read(self.name), self.called, preset=self.preset, folder=self.folder, **self.params)
        return load(self.name, preset=self.preset, folder=self.folder, **self.params)

    def files(self) -> tuple[Path, ...]:
        """The files that the graph is read from. Raises GraphError where there is no graph of the name."""
        return files_of(self.name, preset=self.preset, folder=self.folder, **self.params)

    def channels(self, graph: Graph) -> tuple[int, ...] | None:
        """The channels of the graph's inputs, as given or as a backbone has them; None where nobody says."""
        return self.in_channels if self.backbone is None else channels_of(self.backbone, graph)


def is_stream(name: str) -> bool:
    """Whether it is standard input, '-', or the path of a pipe, as /dev/stdin and <(...) of a shell."""
    if name in _STDIN:
        return True
    try:
        mode = Path(name).stat().st_mode if is_path(name) else 0
    except (OSError, ValueError):  # reading says why
        return False
    return stat.S_ISFIFO(mode)


def _read(name: str) -> bytes:
    """All that comes, or as much as tells that it is too much."""
    if name not in _STDIN:
        with Path(name).open("rb") as pipe:
            return pipe.read(MAX_BYTES + 1)
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def is_asked_wrongly(error: GraphError) -> bool:
    """Whether something of it was asked of a graph that does not have it, or no graph is there to be asked."""
    return any(problem.span is None and problem.code in _ASKED for problem in error.problems)


def channels_of(backbone: str, graph: Graph) -> tuple[int, ...]:
    """The channels of the graph's inputs as a model of timm has them."""
    from fpngraph.pyramid.backbone import backbone_channels

    levels = [entry.level for entry in graph.inputs.values()]
    channels = backbone_channels(backbone, levels)
    return tuple(channels[level] for level in levels)
