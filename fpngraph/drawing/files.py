"""Pictures in files: the format follows from the ending of the name, and a file is whole or as it was before."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol

from fpngraph.drawing import dot, html, mermaid, pdf, png, svg, terminal
from fpngraph.drawing.compose import Labels
from fpngraph.drawing.diagram import draw
from fpngraph.drawing.scene import Scene
from fpngraph.drawing.theme import Theme
from fpngraph.errors import nearest
from fpngraph.graph import Graph
from fpngraph.shapes import InChannels

WRITERS: Mapping[str, Callable[[Scene, float], bytes]] = {
    ".svg": lambda scene, _: svg.write(scene).encode(),
    ".png": lambda scene, scale: png.write(scene, scale=scale),
    ".pdf": lambda scene, _: pdf.write(scene),
    ".html": lambda scene, _: html.write(scene).encode(),
    ".mmd": lambda scene, _: mermaid.write(scene).encode(),
    ".dot": lambda scene, _: dot.write(scene).encode(),
}
"""The ending of a file's name to what makes the bytes of its format from a scene and a scale."""


class Compiled(Protocol):
    """A neck, without the torch that it needs."""

    @property
    def source_graph(self) -> Graph:
        """What it was compiled from."""

    @property
    def in_channels(self) -> Mapping[str, int]:
        """By input name."""

    def get_submodule(self, target: str) -> Any:
        """The module of a node, by its full name."""


def render(  # noqa: PLR0913  (the options of a picture)
    graph: Graph | Compiled,
    path: str | os.PathLike[str] | None = None,
    *,
    theme: Theme = "auto",
    scale: float = 2.0,
    labels: Labels = "names",
    title: bool | str = True,
    legend: bool = True,
    expand: bool | None = None,
    in_channels: InChannels | None = None,
    image_size: int | tuple[int, int] | None = None,
    weights: bool = False,
) -> str | None:
    """Draw a graph or a neck into a file, whose ending says the format, or, without ``path``, as text to print.

    ``scale``: pixels of a PNG per pixel of the diagram. ``title``: the graph's name, a text, or none. ``expand``:
    every run of a repeated stage (True), equal runs once (False), or once from four on (None). A neck brings the
    channels of its inputs with it, with ``image_size`` for sizes and costs, and the ``weights`` that its fusions
    learned. A file that exists is replaced in one step; where anything fails, it stays as it was.

    Raises ValueError for an ending that is no format's and for options that make no sense, GraphError where
    ``in_channels`` do not fit the graph, OSError where the file cannot be written, and ImportError, with the command
    that installs it, where a format needs a package that is not there.
    """
    source, channels = _source(graph, in_channels)
    writer = None if path is None else writer_for(path)
    scene = draw(
        source,
        theme=theme,
        labels=labels,
        title=title,
        legend=legend,
        expand=expand,
        in_channels=channels,
        image_size=image_size,
        weights=learned_weights(graph) if weights else None,
    )
    if path is None or writer is None:
        return terminal.write(scene, width=terminal_width())
    replace_file(path, writer(scene, scale))
    return None


def _source(graph: Graph | Compiled, in_channels: InChannels | None) -> tuple[Graph, InChannels | None]:
    """The graph to draw, and the channels of its inputs where they are known."""
    if isinstance(graph, Graph):
        return graph, in_channels
    if not isinstance(getattr(graph, "source_graph", None), Graph):
        raise TypeError(f"a {type(graph).__name__} cannot be drawn, a graph or a neck is required")
    return graph.source_graph, graph.in_channels if in_channels is None else in_channels


def learned_weights(neck: Graph | Compiled) -> dict[str, list[float]]:
    """What every weighted fusion of a neck multiplies its maps by: the weights that ``draw`` takes.

    Raises ValueError where nothing has such weights.
    """
    if isinstance(neck, Graph):
        hint = "draw the neck that fpngraph.build made of it"
        raise ValueError(f"graph {neck.name!r} has no weights, only a neck learns them\n  hint: {hint}")
    modules = {name: neck.get_submodule(name) for name in neck.source_graph.nodes}
    found = {name: node.fusion.factors().tolist() for name, node in modules.items() if hasattr(node.fusion, "factors")}
    if not found:
        raise ValueError(f"no fusion of graph {neck.source_graph.name!r} has learned weights, so none can be drawn")
    return found


def writer_for(path: str | os.PathLike[str]) -> Callable[[Scene, float], bytes]:
    """Raises ValueError for an ending that is no format's."""
    ending = Path(path).suffix.lower()
    if ending not in WRITERS:
        found = f"the ending {ending!r}" if ending else "no ending"
        hint = nearest(ending, WRITERS)
        raise ValueError(f"{os.fspath(path)!r} has {found}, which says no format\n  hint: {hint}")
    return WRITERS[ending]


def terminal_width() -> int | None:
    """Columns of the terminal that is printed to; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def check_place(path: str | os.PathLike[str]) -> Path:
    """Where the bytes for ``path`` go, links followed. Raises OSError where no file can be written."""
    place = Path(os.path.realpath(path))
    named = os.fspath(path)
    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), named)
    if not place.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(Path(named).parent))
    if place.exists() and not place.is_file():
        raise OSError(errno.EINVAL, "is no regular file", named)
    if not os.access(place if place.exists() else place.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), named)
    return place


def replace_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Put ``content`` into a file in one step: who reads it sees all of the old or all of the new."""
    place = check_place(path)
    part = place.with_name(f".{place.name}.{token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
        if place.exists():
            shutil.copymode(place, part)
        part.replace(place)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        part.unlink(missing_ok=True)
