"""What stands around the nodes and edges where sweeps go up: levels are columns, cells lie on each other."""

from __future__ import annotations

from collections.abc import Iterator

from fpngraph.drawing.layout.geometry import Box
from fpngraph.drawing.layout.grid import Grid
from fpngraph.drawing.layout.lettering import fitted
from fpngraph.drawing.layout.plan import Cell
from fpngraph.drawing.picture.diagram import CELL_PAD, ROW_PAD, Diagram
from fpngraph.drawing.picture.frame import (
    HEADING_SIZES,
    badge,
    cards,
    cell_data,
    channels,
    guide,
)
from fpngraph.drawing.picture.scene import Group, Shape, Text

_HEADING_GAP = 10.0  # between a heading and the border of its cell
_HEADING_ROOM = 150.0
_BADGE = 24.0  # from the baseline of a heading to that of the badge below it
_GUIDE = 26.0  # from the lowest nodes to where the lines of the levels begin
_LABEL_LINE = 13.5


def around(drawn: Diagram, links: Box) -> Iterator[Group]:
    """Cells, levels and the heading of the inputs. ``links``: what edges take with all that is on them."""
    grid, extent = drawn.grid, drawn.extent
    body = [*_cells(drawn), _inputs_heading(grid, extent)]
    yield from body
    top = min(links[1], *(group.box()[1] for group in body))
    yield from _levels(drawn, top, max(grid.ys[0] + grid.radius + _GUIDE, extent[3] + CELL_PAD))


def _cells(drawn: Diagram) -> Iterator[Group]:
    for cell, box, _ in drawn.cells():
        yield Group("cell", tuple(_cell(cell, box, drawn.heading(cell))), cell_data(cell))


def _cell(cell: Cell, box: Box, name: str) -> Iterator[Shape]:
    left, top, _, bottom = box
    yield from cards(cell, box)
    lines, size = fitted(name, _HEADING_ROOM, HEADING_SIZES, 600)
    high = size * len(lines) + (_BADGE if cell.runs > 1 else 0.0)
    right, baseline = left - _HEADING_GAP, (top + bottom - high) / 2 + size * 0.86
    for number, line in enumerate(lines):
        yield Text(right, baseline + number * size, line, size, "muted", 600, "end")
    yield from badge(cell, right, baseline + (len(lines) - 1) * size + _BADGE)


def _inputs_heading(grid: Grid, extent: Box) -> Group:
    size = HEADING_SIZES[0]
    right = extent[0] - ROW_PAD - _HEADING_GAP
    return Group("heading", (Text(right, grid.ys[0] + size * 0.36, "inputs", size, "muted", 600, "end"),))


def _levels(drawn: Diagram, top: float, bottom: float) -> Iterator[Group]:
    """The line of every level from bottom to top, and its label below."""
    grid, known = drawn.grid, channels(drawn)
    for level, x in zip(grid.levels, grid.xs, strict=True):
        name = Text(x, bottom + 16.0, f"P{level}", 15.0, f"text.{level}", 700, "middle")
        about = [f"{known[level]}ch"] if level in known else []
        texts = [
            Text(x, name.y + _LABEL_LINE * number, text, 10.5, "muted", 400, "middle")
            for number, text in enumerate([*about, f"/{1 << level}"], start=1)
        ]
        yield Group("row", (guide((x, bottom), (x, top)), name, *texts), {"level": str(level)})
