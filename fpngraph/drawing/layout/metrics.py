"""Distances of a layout, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

RADIUS = 17.0
"""Of a node, unless its name needs more."""
WIDEST_RADIUS = 25.0
"""For names that are written in one line or two."""
LARGEST_RADIUS = 46.0
"""For those that need more lines."""
RING_ROOM = 9.0
"""What a node with the ring of an output needs beside its label."""

ROW_PITCH = 78.0
"""Between the centres of rows, where nodes have the usual radius."""
WIDEST_PITCH = 420.0
BUNDLE_PITCH = 9.0
"""That rows are further apart for every bundle of skips but the first."""
STEEP_EDGES, STEEP_PITCH = 3, 8.0
"""How many edges over several rows have room between two columns; for each further one they are so far apart."""
CELL_PAD = 23.0
"""From the outermost sweep's nodes to the border of a cell."""
ROW_PAD = 14.0
"""From the outermost edge or node to it, along a sweep."""
CARD_STEP = 7.0
"""By which a card behind a collapsed cell is off the one before it."""

STUB_PITCH = 19.0
NAME_GAP = 10.0
"""Between names of outputs that stand side by side."""

PORT_GAP = 2.6
"""From the border of a node to the edges at it."""
CLEARANCE = 8.5
"""Kept to nodes that are not an edge's ends; diagrams are accepted with 7, measured on finer curves."""
EASY = 15.0
"""Nearer than this to a node looks crowded."""
NEAR = 6.5
"""Lines side by side at this distance are hard to tell apart."""
TIP = 9.0
"""The same of the tip of an arrow and another line."""
LANE_PITCH = 8.0
BOWS = (16.0, 28.0, 44.0)
GUTTERS = (0.0, 9.0, -15.0)
"""How much further from a node than the middle between two columns; none is on the border of a cell."""
CORNER = 13.0
"""Radius of a turn."""


@dataclass(frozen=True, slots=True)
class Spacing:
    """How far apart things are along the sweeps."""

    columns: float
    """Between the centres of columns, where nodes have the usual radius."""
    cells: float
    """Between columns of two cells, in addition."""
    stub: float
    """From the last nodes to the ends of the outputs' stubs."""


USUAL = Spacing(columns=96.0, cells=34.0, stub=52.0)
COMPACT = Spacing(columns=72.0, cells=22.0, stub=34.0)
"""For pictures that have to be narrow."""
