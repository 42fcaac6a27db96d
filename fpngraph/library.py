"""The front door of the torch-free half: graphs by name, by path, from text."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpngraph.analysis.shapes import check
from fpngraph.errors import GraphError, Problem, nearest
from fpngraph.graph.graph import Graph
from fpngraph.language.expand import expand
from fpngraph.language.params import read_params
from fpngraph.language.topology import checked
from fpngraph.language.yaml.source import Value, read, read_file, to_yaml


@dataclass(frozen=True)
class Description:
    """What a graph file says of itself: what it is for, and what can be chosen."""

    name: str
    description: str
    source: str
    params: Mapping[str, Any]
    """The value of every parameter, as plain data."""
    presets: Mapping[str, Mapping[str, Any]]
    """By their names, the values that they set."""
    inputs: Mapping[str, int]
    """The maps that the graph takes, by name: their levels."""
    outputs: Mapping[str, int]
    """The maps that it gives, by name: their levels."""


def load(name_or_path: str | os.PathLike[str], /, *, preset: str | None = None, **params: Any) -> Graph:
    """A graph by the name of a shipped one, or from the file at a path (which has a separator or an ending).

    ``preset`` names a set of parameters in the file, ``params`` override single ones.
    Raises GraphError with every problem of the file, among them each mismatch of channels that is there whatever the
    backbone gives, and for a preset or parameter that does not exist.
    """
    return _graph(read_file(path_of(name_or_path)), preset, params)


def loads(source: str | Mapping[str, Any], /, *, preset: str | None = None, **params: Any) -> Graph:
    """A graph from YAML text or from an equal mapping. Otherwise as ``load``."""
    if not isinstance(source, str | Mapping):
        raise TypeError(f"source is {source!r:.60}, not YAML text or a mapping")
    text = source if isinstance(source, str) else to_yaml(source)
    return _graph(read(text, "<text>"), preset, params)


def describe(name_or_path: str | os.PathLike[str], /, *, preset: str | None = None, **params: Any) -> Description:
    """What a graph file says of itself; values are those that ``load`` with the same arguments takes.

    >>> fpngraph.describe("fpn").inputs
    {'C2': 2, 'C3': 3, 'C4': 4, 'C5': 5}

    Raises as ``load`` does.
    """
    document = read_file(path_of(name_or_path))
    graph = _graph(document, preset, params)
    levels = {name: entry.level for name, entry in graph.inputs.items()}
    levels |= {name: node.level for name, node in graph.nodes.items()}
    return Description(
        graph.name,
        graph.description,
        graph.source,
        {str(name): value.plain() for name, value in read_params(document, preset, params).items()},
        document.plain().get("presets") or {},
        {name: levels[name] for name in graph.inputs},
        {name: levels[source] for name, source in graph.outputs.items()},
    )


def path_of(name_or_path: str | os.PathLike[str]) -> Path:
    """The file that ``load`` reads. Raises GraphError for the name of no shipped graph."""
    text = os.fspath(name_or_path) if isinstance(name_or_path, str | os.PathLike) else None
    if not isinstance(text, str):
        raise TypeError(f"name_or_path is {name_or_path!r:.60}, not the name of a graph or a path")
    if not isinstance(name_or_path, str) or "/" in text or os.sep in text or Path(text).suffix:
        return Path(text)
    graphs = shipped()
    if text not in graphs:
        hint = f"{nearest(text, graphs)} (a path has a separator or an ending)"
        raise GraphError([Problem("unknown-graph", f"there is no shipped graph {text!r}", None, hint)])
    return graphs[text]


def shipped() -> dict[str, Path]:
    """The graphs that come with the package, by name."""
    here = Path(__file__).parent
    # in a wheel they lie in the package, in a checkout beside it
    folder = next((path for path in (here / "graphs", here.parent / "graphs") if path.is_dir()), here)
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _graph(document: Value, preset: str | None, params: Mapping[str, Any]) -> Graph:
    graph = checked(expand(document, preset, params))
    check(graph)
    return graph
