"""Operators that join the maps of a node's edges, one family a file."""

from fpngraph.ops.fusion import concat, elementwise, gate, spatial, weighted  # noqa: F401  (they register themselves)
