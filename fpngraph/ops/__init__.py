"""Operators: what nodes and edges of a graph can do. Importing this registers those that come with the package."""

from fpngraph.ops import (  # noqa: F401  (they register themselves)
    act,
    attention,
    blocks,
    composite,
    conv,
    drop,
    encoder,
    fusion,
    init,
    norm,
    resample,
    slicing,
    spp,
)
from fpngraph.ops.base import (
    Activation,
    Cost,
    Down,
    Fusion,
    Init,
    Layer,
    Mismatch,
    Norm,
    Operator,
    Resampler,
    Site,
    Up,
)
from fpngraph.ops.block import Block
from fpngraph.ops.registry import KINDS, find, names, operators, register

__all__ = [
    "KINDS",
    "Activation",
    "Block",
    "Cost",
    "Down",
    "Fusion",
    "Init",
    "Layer",
    "Mismatch",
    "Norm",
    "Operator",
    "Resampler",
    "Site",
    "Up",
    "find",
    "names",
    "operators",
    "register",
]
