"""The graph that a command is about, and what goes into it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fpngraph.cli.values import UsageError
from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph
from fpngraph.library import load, path_of

_ASKED = frozenset({"unknown-graph", "unreadable-file", "unknown-preset", "unknown-param", "param-type", "in-channels"})


@dataclass(frozen=True, slots=True)
class Choice:
    """A graph as somebody names it, and what goes into it."""

    name: str
    """Of a shipped graph, or a path."""
    preset: str | None
    params: Mapping[str, Any]
    backbone: str | None = None
    in_channels: tuple[int, ...] | None = None
    folder: str | None = None
    """Where graphs may be that a file uses, besides its own folder."""

    def load(self) -> Graph:
        """The graph. Raises GraphError, also where its file cannot be read."""
        return load(self.name, preset=self.preset, folder=self.folder, **self.params)

    def channels(self, graph: Graph) -> tuple[int, ...] | None:
        """The channels of the graph's inputs, as given or as a backbone has them; None where nobody says."""
        return self.in_channels if self.backbone is None else channels_of(self.backbone, graph)


def is_asked_wrongly(error: GraphError) -> bool:
    """Whether something of it was asked of a graph that does not have it, or no graph is there to be asked."""
    return any(problem.span is None and problem.code in _ASKED for problem in error.problems)


def is_readable(name: str) -> bool:
    """Whether ``name`` leads to a file that can be read, whatever is in it."""
    try:
        path = path_of(name)
    except GraphError:
        return False
    return path.is_file() and os.access(path, os.R_OK)


def channels_of(backbone: str, graph: Graph) -> tuple[int, ...]:
    """The channels of the graph's inputs as a model of timm has them."""
    from fpngraph.pyramid.backbone import BackboneError, backbone_channels

    levels = [entry.level for entry in graph.inputs.values()]
    try:
        channels = backbone_channels(backbone, levels)
    except BackboneError as error:
        raise UsageError(str(error)) from error
    return tuple(channels[level] for level in levels)
