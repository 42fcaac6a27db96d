"""A neck in somebody else's detector: it takes the host's maps by their strides, and gives what the host reads."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from fpngraph.compiler.builder import build
from fpngraph.compiler.compiled import Compiled
from fpngraph.compiler.neck import Neck
from fpngraph.compiler.straight import ImageSizes
from fpngraph.errors import GraphError, Problem, listed
from fpngraph.graph.graph import Graph
from fpngraph.library import load, loads

GraphLike = Graph | str | os.PathLike[str] | Mapping[str, Any]
"""A graph, the name of a shipped one, the path of a file, or what a file says, as text or as a mapping of any kind."""
Map = int | tuple[str, int]
"""The channels of a map, or the key that the host has it by and its channels."""
Maps = Mapping[int, Map] | Iterable[tuple[int, Map]]
"""By stride, in the host's order."""


def plug(  # noqa: PLR0913  (each says something else)
    graph: GraphLike,
    maps: Maps,
    *,
    outputs: Sequence[str] | Mapping[str, str] | None = None,
    preset: str | None = None,
    params: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
    lean: bool = False,
) -> Plugged:
    """A neck for a host that has ``maps``: by stride, their channels, or key and channels.

    ``graph`` is a graph, the name of a shipped one, the path of a file, or what a file says, as text of several lines
    or as a mapping; mappings of other libraries' configurations are taken as they are. But for a graph, ``preset`` and
    ``params`` set its parameters. ``outputs`` names the outputs that the host reads, which are given in that order, or
    maps the host's names to them; the graph is cut down to these, so that every parameter gets a gradient. ``folder``
    is where ``use`` in a text or mapping finds files. A ``lean`` neck trains in less memory and more time, as that of
    ``fpngraph.build``.

    >>> channels = {4: 24, 8: 40, 16: 112, 32: 320}
    >>> neck = fpngraph.plug("bifpn", channels, outputs=["P3", "P5"])
    >>> maps = [torch.randn(1, c, 256 // stride, 256 // stride) for stride, c in channels.items()]
    >>> [tuple(x.shape) for x in neck(maps)], neck.out_strides
    ([(1, 64, 32, 32), (1, 64, 8, 8)], (8, 32))

    Raises GraphError for the graph, for a stride that it takes and the host lacks or has twice, for an output that it
    lacks; TypeError for maps or outputs of another kind.
    """
    if isinstance(outputs, str):
        raise TypeError(f"outputs is {outputs!r}, but must be names in a list: [{outputs!r}]")
    chosen = _graph(graph, preset, params, folder)
    if outputs is not None:
        chosen = chosen.select(*(outputs.values() if isinstance(outputs, Mapping) else outputs))
    have = [_host_map(stride, what) for stride, what in _pairs(maps)]
    taken = _taken(chosen, have)
    neck = build(chosen, {name: have[place].channels for name, place in taken.items()}, lean=lean)
    names = tuple(outputs) if isinstance(outputs, Mapping) else tuple(chosen.outputs)
    return Plugged(neck, have, taken, names, named=isinstance(outputs, Mapping))


class HostMap(NamedTuple):
    """A map that a host has."""

    stride: int
    key: str | None
    channels: int


class Plugged(nn.Module):
    """A neck that takes a host's maps by stride. Made by ``fpngraph.plug``.

    ``neck`` is what ``fpngraph.build`` makes; ``names``, ``out_channels`` and ``out_strides`` are tuples with an entry
    per output. It takes a sequence of maps in the order in which they were told, or a mapping by key or by stride, in
    which more may be. It gives a tuple, or a dict by the host's names where ``outputs`` named them.

    Shape: maps [B, C, H, W] to maps [B, C', H', W'], as the neck.
    Raises TypeError and ValueError for maps that do not fit.
    """

    def __init__(
        self, neck: Compiled, have: Sequence[HostMap], taken: Mapping[str, int], names: Sequence[str], *, named: bool
    ) -> None:
        super().__init__()
        self.neck = neck
        self.names = tuple(names)
        self.out_channels = tuple(neck.out_channels.values())
        self.out_strides = tuple(neck.out_strides.values())
        self._have, self._taken, self._named = tuple(have), dict(taken), named

    def forward(self, maps: Iterable[Tensor] | Mapping[Any, Tensor]) -> tuple[Tensor, ...] | dict[str, Tensor]:
        given = self._by_key(maps) if isinstance(maps, Mapping) else self._in_order(maps)
        results = tuple(self.neck(given))
        return dict(zip(self.names, results, strict=True)) if self._named else results

    def fuse(self, dtype: torch.dtype | None = None, *, image_sizes: ImageSizes = ()) -> Self:
        """The same with the neck in its inference form, a module of its own; see ``Neck.fuse``.

        Raises TypeError where the neck has that form already or is wrapped, ValueError where it cannot be copied.
        """
        if not isinstance(self.neck, Neck):
            raise TypeError(
                f"the neck is a {type(self.neck).__name__}, but a Neck is required\n"
                "  hint: fuse with the neck that can be trained in it"
            )
        fused = self.neck.fuse(dtype, image_sizes=image_sizes)
        return type(self)(fused, self._have, self._taken, self.names, named=self._named)

    def _in_order(self, maps: Iterable[Tensor]) -> list[Tensor]:
        if isinstance(maps, Tensor) or not isinstance(maps, Iterable):
            raise TypeError(f"maps is a {type(maps).__name__}, but must be the maps as a sequence or a mapping")
        maps = list(maps)
        if len(maps) != len(self._have):
            strides = listed([it.stride for it in self._have])
            raise ValueError(f"there are {len(maps)} maps, but the host was said to have those of stride {strides}")
        return [maps[place] for place in self._taken.values()]

    def _by_key(self, maps: Mapping[Any, Tensor]) -> list[Tensor]:
        wanted = [self._have[place] for place in self._taken.values()]
        keys = [it.stride if it.key is None or it.key not in maps else it.key for it in wanted]
        missing = [repr(it.key or it.stride) for it, key in zip(wanted, keys, strict=True) if key not in maps]
        if missing:
            found = ", ".join(map(repr, maps)) or "none"
            raise ValueError(f"the maps are {found}, but the neck takes {', '.join(missing)} too")
        return [maps[key] for key in keys]


def _graph(
    graph: GraphLike, preset: str | None, params: Mapping[str, Any] | None, folder: str | os.PathLike[str] | None
) -> Graph:
    if isinstance(graph, Graph):
        if preset is not None or params:
            raise ValueError("'preset' and 'params' are for the name, path or text of a graph, but this one is loaded")
        return graph
    asked = {str(name): _plain(value) for name, value in (params or {}).items()}
    if isinstance(graph, Mapping):
        return loads(_plain(graph), preset=preset, folder=folder, **asked)
    if isinstance(graph, str) and "\n" in graph:
        return loads(graph, preset=preset, folder=folder, **asked)
    return load(graph, preset=preset, folder=folder, **asked)


def _plain(value: Any) -> Any:
    """Mappings and sequences of configurations as dicts and lists."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(inner) for inner in value]
    return value


def _pairs(maps: Maps) -> list[tuple[int, Map]]:
    """Strides and what the host has of each. Raises TypeError for channels alone."""
    pairs = list(maps.items() if isinstance(maps, Mapping) else maps)
    for pair in pairs:
        try:
            _, _ = pair
        except (TypeError, ValueError):
            hint = "{8: 128, 16: 256} are maps of the strides 8 and 16, of 128 and 256 channels"
            raise TypeError(
                f"maps has {pair!r}, but must say a stride and channels for each map\n  hint: {hint}"
            ) from None
    return pairs


def _host_map(stride: int, what: Map) -> HostMap:
    key, channels = what if isinstance(what, tuple | list) and len(what) == 2 else (None, what)
    return HostMap(stride, key, channels)


def _taken(graph: Graph, have: Sequence[HostMap]) -> dict[str, int]:
    """For each input of the graph the place of the host's map of its stride. Raises GraphError."""
    strides = {entry.name: 1 << entry.level for entry in graph.inputs.values()}
    counts, wanted = Counter(it.stride for it in have), Counter(strides.values())
    takes = f"graph {graph.name!r} takes maps of the strides {listed(sorted(wanted))}"
    there = f"the host has {listed(counts)}" if counts else "the host has none"
    problems = []
    if missing := [stride for stride in wanted if not counts[stride]]:
        problems.append(Problem("in-channels", f"{takes}, but {there}: {listed(missing)} is missing"))
    if twice := [stride for stride in wanted if counts[stride] > 1]:
        hint = "say only those that it is to take"
        problems.append(Problem("in-channels", f"the host has several maps of stride {listed(twice)}", None, hint))
    for stride in (stride for stride, inputs in wanted.items() if inputs > 1):
        names = ", ".join(name for name, other in strides.items() if other == stride)
        hint = "strides cannot tell them apart: make the neck by fpngraph.build, which takes maps by name"
        message = f"graph {graph.name!r} takes {wanted[stride]} maps of stride {stride}: {names}"
        problems.append(Problem("in-channels", message, None, hint))
    if problems:
        raise GraphError(problems)
    places = {it.stride: place for place, it in enumerate(have)}
    return {name: places[stride] for name, stride in strides.items()}
