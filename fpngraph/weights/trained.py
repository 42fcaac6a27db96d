"""A neck with what it has learned, from a file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from torch import Tensor

from fpngraph.analysis.shapes import InChannels
from fpngraph.compiler.builder import build
from fpngraph.compiler.neck import Neck
from fpngraph.graph.graph import Graph
from fpngraph.weights.state import differences, read_state, refuse

_PLACES = ("neck.", "model.neck.")
"""Where a neck is in a pyramid or a detector, and in what ``fpngraph train`` writes."""
_PROJECTION = re.compile(r"\.edges\.[^.]+\.project\.")


def trained(graph: Graph, in_channels: InChannels, path: str | os.PathLike[str]) -> Neck:
    """The neck of a graph with the state dict in a file: its own, that of a model with it, or a training's checkpoint.

    Raises GraphError where ``in_channels`` do not fit the graph, OSError for a file that cannot be read, and StateError
    for one that is no state dict, or that of another neck.
    """
    neck = build(graph, in_channels)
    wanted = neck.state_dict()
    state = _of_neck(read_state(path, within="state_dict"), wanted)
    hint = "the state dict of the neck is required, built with the same parameters and channels of the inputs"
    if any(_PROJECTION.search(name) and name not in wanted for name in state):
        hint = (
            "a node that is written with one input is not projected where a layer of its op gives the node's channels; "
            "'project: always' puts a projection there"
        )
    refuse(f"{os.fspath(path)!r} does not fit graph {graph.name!r}", differences(state, wanted), hint)
    neck.load_state_dict(state)
    return neck


def _of_neck(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors of the neck in the state dict of what it is in; all where it is the neck's own."""
    if not wanted.keys().isdisjoint(state):
        return state
    for prefix in _PLACES:
        if found := {name.removeprefix(prefix): x for name, x in state.items() if name.startswith(prefix)}:
            return found
    return state
