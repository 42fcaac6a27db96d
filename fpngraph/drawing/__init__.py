"""Diagrams of graphs as papers draw them: levels as rows, sweeps as columns, repeated cells as blocks.

``draw`` gives a scene of plain shapes. A picture is made in this order, and a room imports only from those before it:

1. ``layout``: ``plan`` (which cells, nodes and edges are drawn) > ``columns`` (one sweep each) > ``grid`` (places) >
   ``wishes`` (edges that want a way) > ``candidates`` (ways they may take) > ``penalties`` (what speaks against each)
   > ``tips`` (ends of ways moved apart) > ``routes`` (the ways taken); ``rows`` makes several plans of one.
2. ``picture``: ``diagram`` (the layout and what is known of it, as a ``Look`` wants it) > ``marks`` (arrowheads, gaps,
   free places) > ``compose`` (nodes and edges) > ``frame`` (levels, cells, title, legend around them) > ``assemble``
   (all of it as a ``scene``; ``size`` and ``clear`` say whether it can be read).
3. ``formats`` draw the shapes of a scene: ``svg``, and by way of it ``png`` and ``html``; ``pdf`` by itself.
4. ``text`` reads the diagram: ``dot``, ``mermaid``, ``terminal`` (``sheet`` with ``wires``, or a table).
5. ``files`` chooses the writer by the ending of a name; ``watch`` draws again at every save.
"""

from __future__ import annotations

from fpngraph.drawing.picture.assemble import draw
from fpngraph.drawing.picture.scene import Scene

__all__ = ["Scene", "draw"]
