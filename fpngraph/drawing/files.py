"""Pictures in files: the format follows from the ending of the name, and a file is whole or as it was before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

from fpngraph.analysis.shapes import InChannels
from fpngraph.drawing.formats import html, pdf, png, svg
from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.picture.assemble import assembled
from fpngraph.drawing.picture.diagram import Diagram, Labels, Legend, Look, diagram
from fpngraph.drawing.picture.scene import Scene
from fpngraph.drawing.picture.theme import Theme
from fpngraph.drawing.text import dot, mermaid, terminal
from fpngraph.errors import nearest
from fpngraph.files import replace_file
from fpngraph.graph.graph import Graph
from fpngraph.table import terminal_width

_SCALE = 2.0  # pixels of a PNG per pixel, unless somebody chooses
SCENE_WRITERS: Mapping[str, Callable[[Scene, float], bytes]] = {
    ".svg": lambda scene, _: svg.write(scene).encode(),
    ".png": lambda scene, scale: png.write(scene, scale=scale),
    ".pdf": lambda scene, _: pdf.write(scene),
    ".html": lambda scene, _: html.write(scene).encode(),
}
"""The ending of a file's name to what makes the bytes of its format from a scene and a scale."""

WRITERS: Mapping[str, Callable[[Diagram, float], bytes]] = {
    ".svg": lambda drawn, scale: SCENE_WRITERS[".svg"](assembled(drawn), scale),
    ".png": lambda drawn, scale: SCENE_WRITERS[".png"](assembled(drawn), scale),
    ".pdf": lambda drawn, scale: SCENE_WRITERS[".pdf"](assembled(drawn), scale),
    ".html": lambda drawn, scale: SCENE_WRITERS[".html"](assembled(_without_width(drawn)), scale),
    ".mmd": lambda drawn, _: mermaid.write(_without_rows(_without_width(drawn))).encode(),
    ".dot": lambda drawn, _: dot.write(_without_rows(_without_width(drawn))).encode(),
}
"""The same from a diagram and a scale."""


def _without_width(drawn: Diagram) -> Diagram:
    """Raises ValueError for a width that the format would not have."""
    if drawn.look.width:
        raise ValueError(f"a width of {drawn.look.width} is given; only .svg, .png and .pdf have one")
    return drawn


def _without_rows(drawn: Diagram) -> Diagram:
    """Raises ValueError for rows that the format would not have."""
    if drawn.look.rows:
        raise ValueError(f"rows are given ({drawn.look.rows}); only .svg, .png, .pdf and .html have them")
    return drawn


class NeckLike(Protocol):
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
    graph: Graph | NeckLike,
    path: str | os.PathLike[str] | None = None,
    *,
    theme: Theme = "auto",
    scale: float = _SCALE,
    labels: Labels = "names",
    title: bool | str = True,
    legend: Legend | bool = True,
    expand: bool | None = None,
    direction: Flow = "right",
    width: str | None = None,
    cells: Mapping[str, str] | None = None,
    rows: int | None = None,
    in_channels: InChannels | None = None,
    image_size: int | tuple[int, int] | None = None,
    weights: bool = False,
) -> str | None:
    """Draw a graph or a neck into a file, whose ending says the format, or, without ``path``, as text to print.

    ``scale``: pixels of a PNG per pixel of the diagram. ``title``: the graph's name, a text, or none. ``expand``:
    every run of a repeated stage (True), equal runs once (False), or once from four on (None). ``direction``: where
    sweeps go in a picture. ``legend``: ``"below"`` (or True), ``"beside"``, or ``"none"`` (or False). ``width``: of an
    SVG, a PNG or a PDF on paper, as ``"3.4in"``, ``"86mm"`` or ``"245pt"``; refused where its smallest text would have
    less than 5 pt. ``rows``: below each other, in which cells go on (None: one, or as many as a ``width`` asks for).
    ``cells``: headings of stages, as ``{"cell": "BiFPN cell"}``. A neck brings the channels of its inputs and the
    ``weights`` that its fusions learned. A file is replaced in one step; where anything fails, it stays as it was.

    Raises ValueError for an ending or an option that makes no sense, GraphError where ``in_channels`` do not fit,
    OSError where the file cannot be written, ImportError, with the way to install it, where a package is missing.

    >>> fpngraph.render(fpngraph.load("fpn"), "fpn.svg")
    """
    look = Look(theme, labels, title, legend, expand, direction, width, cells, rows)
    source, channels = _source(graph, in_channels)
    factors = learned_weights(graph) if weights else None
    drawn = diagram(source, look, in_channels=channels, image_size=image_size, weights=factors)
    _check_scale(path, scale)
    if path is None:
        return terminal.write(_without_rows(_without_width(drawn)), width=terminal_width())
    replace_file(path, WRITERS[ending_of(path)](drawn, scale))
    return None


def _check_scale(path: str | os.PathLike[str] | None, scale: float) -> None:
    """Raises ValueError for a scale that the format would not have."""
    if scale != _SCALE and (path is None or ending_of(path) != ".png"):
        raise ValueError(f"a scale of {scale} is given; only .png has one")


def _source(graph: Graph | NeckLike, in_channels: InChannels | None) -> tuple[Graph, InChannels | None]:
    """The graph to draw, and the channels of its inputs where they are known."""
    if isinstance(graph, Graph):
        return graph, in_channels
    if not isinstance(getattr(graph, "source_graph", None), Graph):
        hint = "fpngraph.load(...) makes a graph of a name or path"
        raise TypeError(f"a {type(graph).__name__} cannot be drawn, a graph or a neck is required\n  hint: {hint}")
    return graph.source_graph, graph.in_channels if in_channels is None else in_channels


def learned_weights(neck: Graph | NeckLike) -> dict[str, list[float]]:
    """What every weighted fusion of a neck multiplies its maps by: the weights that ``draw`` takes.

    Raises ValueError where nothing has such weights, and for weights that are no finite numbers.
    """
    if isinstance(neck, Graph):
        hint = "draw the neck that fpngraph.build made of it"
        raise ValueError(f"graph {neck.name!r} has no weights, only a neck learns them\n  hint: {hint}")
    name = neck.source_graph.name
    fusions: dict[str, Any] = {
        node: getattr(neck.get_submodule(node), "fusion", None) for node in neck.source_graph.nodes
    }
    tensors = {node: fusion.factors() for node, fusion in fusions.items() if hasattr(fusion, "factors")}
    if not any(fusions.values()):
        raise ValueError(f"graph {name!r} has its weights folded in\n  hint: draw the neck that was fused")
    if not tensors:
        raise ValueError(f"no fusion of graph {name!r} has learned weights, so none can be drawn")
    if any(tensor.is_meta for tensor in tensors.values()):
        hint = "load a state dict first, with assign=True"
        raise ValueError(f"the weights of graph {name!r} are on the device meta, without numbers\n  hint: {hint}")
    found: dict[str, list[float]] = {node: tensor.tolist() for node, tensor in tensors.items()}
    for node, factors in found.items():
        if not all(map(isfinite, factors)):
            raise ValueError(f"the weights of node {node!r} are {factors}; only finite numbers can be drawn")
    return found


def ending_of(path: str | os.PathLike[str], known: Iterable[str] = WRITERS, what: str = "format") -> str:
    """The one of the known endings that a path has. Raises ValueError for any other, which says no ``what``."""
    ending = Path(path).suffix.lower()
    if ending not in known:
        found = f"the ending {ending!r}" if ending else "no ending"
        raise ValueError(f"{os.fspath(path)!r} has {found}, which says no {what}\n  hint: {nearest(ending, known)}")
    return ending
