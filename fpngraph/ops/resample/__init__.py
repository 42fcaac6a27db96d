"""Operators that take a map to another level, one family a file."""

from fpngraph.ops.resample import deconv, interpolate, pool, strided_conv  # noqa: F401  (they register themselves)
