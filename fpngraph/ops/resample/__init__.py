"""Operators that take a map to another level, one family a file."""

from fpngraph.ops.resample import (  # noqa: F401  (they register themselves)
    adaptive,
    carafe,
    deconv,
    interpolate,
    pool,
    shuffle,
    strided_conv,
)
