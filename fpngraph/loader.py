"""The front door of the torch-free half: graphs by name, by path, from text."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fpngraph.errors import GraphError, Problem, nearest
from fpngraph.graph import Graph, checked
from fpngraph.language.expand import expand
from fpngraph.language.source import Value, dump, read, read_file
from fpngraph.shapes import check


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
    text = source if isinstance(source, str) else dump(source)
    return _graph(read(text, "<text>"), preset, params)


def path_of(name_or_path: str | os.PathLike[str]) -> Path:
    """The file that ``load`` reads. Raises GraphError for the name of no shipped graph."""
    text = os.fspath(name_or_path) if isinstance(name_or_path, str | os.PathLike) else None
    if not isinstance(text, str):
        raise TypeError(f"name_or_path is {name_or_path!r:.60}, not the name of a graph or a path")
    if not isinstance(name_or_path, str) or "/" in text or os.sep in text or Path(text).suffix:
        return Path(text)
    graphs = shipped()
    if text not in graphs:
        hint = f"{nearest(text, graphs)}; a path has a separator or an ending"
        raise GraphError([Problem(f"there is no shipped graph {text!r}", None, hint)])
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
