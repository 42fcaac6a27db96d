"""A neck with what it has learned, from a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pickle import UnpicklingError

import torch
from torch import Tensor

from fpngraph.compiler import build
from fpngraph.graph import Graph
from fpngraph.neck import Neck
from fpngraph.shapes import InChannels

_SHOWN = 3  # names that an error lists


class StateError(ValueError):
    """A file that does not hold the state of the neck."""


def trained(graph: Graph, in_channels: InChannels, path: str | os.PathLike[str]) -> Neck:
    """The neck of a graph with the state dict that ``torch.save`` has put into a file.

    Raises GraphError where ``in_channels`` do not fit the graph, OSError for a file that cannot be read, and StateError
    for one that is no state dict, or that of another neck.
    """
    neck = build(graph, in_channels)
    state = _read(path)
    wanted = {name: tuple(value.shape) for name, value in neck.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    unlike = [
        *_listed("has no", [name for name in wanted if name not in found]),
        *_listed("has", [name for name in found if name not in wanted], ", which the neck has not"),
        *_listed("has another shape of", [name for name in wanted if found.get(name, wanted[name]) != wanted[name]]),
    ]
    if unlike:
        hint = "the state dict of the neck alone is required, built with the same parameters and in_channels"
        raise StateError(f"{os.fspath(path)!r} does not fit graph {graph.name!r}: {'; '.join(unlike)}\n  hint: {hint}")
    neck.load_state_dict(state)
    return neck


def _read(path: str | os.PathLike[str]) -> Mapping[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except (UnpicklingError, RuntimeError, EOFError, ValueError, LookupError) as error:  # what broken files end in
        raise StateError(f"{os.fspath(path)!r} is no file of tensors that torch.save wrote") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise StateError(f"{os.fspath(path)!r} holds no state dict, names with a tensor each")
    return state


def _listed(what: str, names: Sequence[str], after: str = "") -> list[str]:
    """The first of the names, if there are any."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return [f"{what} {', '.join(map(repr, names[:_SHOWN]))}{more}{after}"] if names else []
