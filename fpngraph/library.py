"""The front door of the torch-free half: graphs by name, by path, from text."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fpngraph.analysis.shapes import check
from fpngraph.errors import GraphError, Problem, nearest
from fpngraph.graph.graph import Graph
from fpngraph.language.params import read_params
from fpngraph.language.spent import Spent
from fpngraph.language.topology import graph_of
from fpngraph.language.uses import Home, Read, Uses, is_path
from fpngraph.language.yaml.source import read as read_text
from fpngraph.language.yaml.source import read_data, read_file
from fpngraph.language.yaml.value import Value
from fpngraph.language.yaml.writing import to_yaml

Folder = str | os.PathLike[str] | None


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


def load(
    name_or_path: str | os.PathLike[str], /, *, preset: str | None = None, folder: Folder = None, **params: Any
) -> Graph:
    """A graph by the name of a shipped one, or from the file at a path (which has a separator or an ending).

    ``preset`` names a set of parameters in the file, ``params`` override single ones. Files that it uses lie in its own
    folder, or in ``folder``.
    Raises GraphError with every problem of the file, among them each mismatch of channels that is there whatever the
    backbone gives, and for a preset or parameter that does not exist.

    >>> graph = fpngraph.load("bifpn", preset="d1", channels=96)
    >>> list(graph.outputs)
    ['P3', 'P4', 'P5', 'P6', 'P7']
    """
    path = path_of(name_or_path)
    return _graph(read_file(path), preset, params, _uses(_home(path), folder))


def loads(
    source: str | Mapping[str, Any], /, *, preset: str | None = None, folder: Folder = None, **params: Any
) -> Graph:
    """A graph from YAML text or from an equal mapping; files that it uses lie in ``folder``. Otherwise as ``load``.

    >>> nodes = {"P4": {"inputs": ["C4", "C5"], "channels": 64}}
    >>> graph = fpngraph.loads({"fpngraph": 1, "name": "mine", "inputs": "C(4..5)", "nodes": nodes, "outputs": "P4"})
    >>> list(graph.nodes)
    ['P4']
    """
    if not isinstance(source, str | Mapping):
        raise TypeError(f"source is {source!r:.60}, not YAML text or a mapping")
    text = source if isinstance(source, str) else to_yaml(source)
    return _graph(read_text(text, "<text>"), preset, params, _uses(Home(), folder))


def read_open(text: str, path: Path | None, name: str, *, folder: Folder, read: Read) -> Graph:
    """The graph that an editor has open: the ``text`` that is, or will be, the file at ``path``.

    ``name`` is what errors call it, and ``read`` gives the files that it uses. Raises GraphError as ``load`` does.
    """
    home = Home() if path is None else _home(path)
    return _graph(read_text(text, name), None, {}, _uses(home, folder, read))


def describe(
    name_or_path: str | os.PathLike[str], /, *, preset: str | None = None, folder: Folder = None, **params: Any
) -> Description:
    """What a graph file says of itself; values are those that ``load`` with the same arguments takes.

    >>> fpngraph.describe("fpn").inputs
    {'C2': 2, 'C3': 3, 'C4': 4, 'C5': 5}

    Raises as ``load`` does.
    """
    path = path_of(name_or_path)
    document = read_file(path)
    graph = _graph(document, preset, params, _uses(_home(path), folder))
    levels = {name: entry.level for name, entry in graph.inputs.items()}
    levels |= {name: node.level for name, node in graph.nodes.items()}
    return Description(
        graph.name,
        graph.description,
        graph.source,
        {str(name): value.plain() for name, value in read_params(document, preset, params).items()},
        {name: preset.plain() for name, preset in document.section("presets").items()},
        {name: levels[name] for name in graph.inputs},
        {name: levels[source] for name, source in graph.outputs.items()},
    )


def load_data(
    data: bytes,
    file: str,
    path: Path = Path("-"),
    /,
    *,
    preset: str | None = None,
    folder: Folder = None,
    **params: Any,
) -> Graph:
    """A graph from the bytes of a file that errors call ``file``; it counts as the one at ``path``.

    That is by default in the working directory. Otherwise as ``load``.
    """
    return _graph(read_data(data, file), preset, params, _uses(_home(path), folder))


def files_of(
    name_or_path: str | os.PathLike[str], /, *, preset: str | None = None, folder: Folder = None, **params: Any
) -> tuple[Path, ...]:
    """The files that ``load`` reads with the same arguments, that of the graph first.

    Where something is wrong, they are those up to there; a file that is used and is not there is among them.
    """
    path = path_of(name_or_path)
    uses = _uses(_home(path), folder)
    with suppress(GraphError):
        _graph(read_file(path), preset, params, uses)
    return path, *uses.spent.files


def path_of(name_or_path: str | os.PathLike[str]) -> Path:
    """The file that ``load`` reads. Raises GraphError for a name that no graph has."""
    text = os.fspath(name_or_path) if isinstance(name_or_path, str | os.PathLike) else None
    if not isinstance(text, str):
        raise TypeError(f"name_or_path is {name_or_path!r:.60}, not the name of a graph or a path")
    if not isinstance(name_or_path, str) or is_path(text):
        return Path(text)
    graphs = shipped() if text in shipped() else named()
    if text not in graphs:
        own = next((it for it in (f"{text}.yaml", f"{text}.yml") if os.path.isfile(it)), None)  # noqa: PTH113  (as in uses)
        hint = f"{nearest(text, graphs)} (a path has a separator or an ending)"
        hint = f"did you mean the file {own!r}?" if own else hint
        raise GraphError([Problem("unknown-graph", f"there is no graph named {text!r}", None, hint)])
    return graphs[text]


@cache  # to look for them takes as long as to read one
def shipped() -> Mapping[str, Path]:
    """The graphs that come with the package, by name."""
    paths = (path for path in folder_of_graphs().rglob("*.yaml") if path.parent.name != "weights")
    return MappingProxyType({path.stem: path for path in sorted(paths, key=lambda path: path.stem)})


def folder_of_graphs() -> Path:
    """Where they lie: in a wheel in the package, in a checkout beside it."""
    here = Path(__file__).parent
    return next((path for path in (here / "graphs", here.parent / "graphs") if path.is_dir()), here)


def named() -> dict[str, Path]:
    """The graphs that have a name: those that come with the package, then those of installed packages."""
    return {**_installed(), **shipped()}


@cache
def _installed() -> dict[str, Path]:
    """The graphs in the folders that installed packages name under the entry point group ``fpngraph.graphs``.

    A folder is named as a module, which is not imported. What cannot be found, or has a name already, is warned about.
    """
    from importlib.metadata import entry_points
    from importlib.util import find_spec

    graphs: dict[str, Path] = {}
    for entry in entry_points(group="fpngraph.graphs"):
        try:
            spec = find_spec(entry.value)
        except Exception as error:  # whatever somebody else's package does when it is imported
            warnings.warn(f"graphs of {entry.value!r} cannot be found: {error}", stacklevel=2)
            continue
        folders = spec.submodule_search_locations if spec else None
        if not folders:
            warnings.warn(f"graphs of {entry.value!r} cannot be found: it is no package", stacklevel=2)
        for path in sorted(path for folder in folders or () for path in Path(folder).glob("*.yaml")):
            if path.stem in shipped() or graphs.setdefault(path.stem, path) != path:
                warnings.warn(f"there is a graph named {path.stem!r} already, and so no {path}", stacklevel=2)
    return graphs


def _home(path: Path) -> Home:
    """Where a file is read, links resolved."""
    place = Path(os.path.realpath(path))
    return Home(place.parent, path.parent, (place.parent,), place)


def _uses(home: Home, folder: Folder, read: Read = read_file) -> Uses:
    return Uses(graph_of, named, None if folder is None else Path(folder), home, Spent(), read=read)


def _graph(document: Value, preset: str | None, params: Mapping[str, Any], uses: Uses) -> Graph:
    graph = graph_of(document, preset, params, uses)
    check(graph)
    return graph
