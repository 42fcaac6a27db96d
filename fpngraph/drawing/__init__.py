"""Diagrams of graphs as papers draw them: levels as rows, sweeps as columns, repeated cells as blocks.

``draw`` gives a scene of plain shapes; one module per format writes it, such as ``fpngraph.drawing.svg``.
"""

from __future__ import annotations

from fpngraph.drawing.diagram import draw
from fpngraph.drawing.scene import Scene

__all__ = ["Scene", "draw"]
