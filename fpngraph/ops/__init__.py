"""Operators: what nodes and edges of a graph can do. Importing this registers those that come with the package."""

from fpngraph.ops import act, fusion, init, layer, norm, resample  # noqa: F401  (they register themselves)
from fpngraph.ops.base import (
    KINDS,
    Activation,
    Cost,
    Down,
    Fusion,
    Init,
    Layer,
    Mismatch,
    Norm,
    Operator,
    Padding,
    Resampler,
    Site,
    Up,
    find,
    names,
    operators,
    register,
)

__all__ = [
    "KINDS",
    "Activation",
    "Cost",
    "Down",
    "Fusion",
    "Init",
    "Layer",
    "Mismatch",
    "Norm",
    "Operator",
    "Padding",
    "Resampler",
    "Site",
    "Up",
    "find",
    "names",
    "operators",
    "register",
]
