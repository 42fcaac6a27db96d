"""A neck as a row of a model file of Ultralytics, for its own trainer, predictor and exporters.

Importing this module makes Ultralytics know the row ``FPNGraph``: it replaces ``parse_model`` and
``initialize_weights`` in ``ultralytics.nn.tasks`` by functions that call them. Ultralytics is AGPL, and nothing else of
fpngraph imports it.

    - [[4, 6, 9], 1, FPNGraph, [bifpn, {channels: 32}]]
    - [[P3, P4, P5, P6, P7], 1, Detect, [nc]]
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import torch
import ultralytics
from torch import Tensor, nn
from ultralytics.nn import tasks

from fpngraph.adapters.host import HostError, restore_norms
from fpngraph.compiler.neck import Neck
from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph
from fpngraph.library import load, loads
from fpngraph.pyramid.plugged import Plugged, plug

NAME = "FPNGraph"
"""What a row of a model file calls a neck."""
SIDE_PX = 256
"""Of the image whose way through the rows before a neck tells strides and channels of their maps."""
TRIED = "8.4.190"


class FPNGraph(nn.Module):
    """A neck as a layer of a model of Ultralytics, which makes it from a row of the model file.

    ``plugged`` is what ``fpngraph.plug`` makes, cut down to the outputs that later rows read. For a model that only
    predicts, ``layer.plugged = layer.plugged.fuse()`` is the inference form.

    Shape: maps [B, C, H, W] of the rows that it reads, as a list, to a tuple of maps, as the graph has its outputs.
    """

    f: list[int]
    """The rows that it reads; Ultralytics sets it."""

    def __init__(self, made: Made) -> None:
        super().__init__()
        self.plugged = made.plugged

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        results = self.plugged(maps)
        assert isinstance(results, tuple)
        return results


class Made(NamedTuple):
    """A neck that is built, and what Ultralytics prints of it."""

    plugged: Plugged
    said: str

    def __repr__(self) -> str:
        return self.said


class Sources(list[int]):
    """The rows that a neck reads. As an index it is the last of them, since Ultralytics asks for one row's channels."""

    def __index__(self) -> int:
        return self[-1]


class Row(NamedTuple):
    """A row of a model file."""

    sources: Any
    repeats: Any
    kind: str
    arguments: Sequence[Any]


def enable() -> None:
    """Make Ultralytics know the row ``FPNGraph``. Done by importing this module; once more changes nothing.

    Raises HostError, and leaves Ultralytics as it was, for a version that reads model files in another way.
    """
    if hasattr(tasks, NAME):
        return
    host_parse: Any = getattr(tasks, "parse_model", None)
    host_initialize: Any = getattr(tasks, "initialize_weights", None)

    @wraps(host_parse)
    def parse_model(d: dict[str, Any], ch: int, verbose: bool = True) -> tuple[nn.Sequential, list[int]]:
        rows = [*d["backbone"], *d["head"]]
        if any(NAME in row for row in rows):
            d = d | {"backbone": Expansion(d, rows, ch, host_parse).expanded(), "head": []}
        layers, save = host_parse(d, ch, verbose)
        for layer in layers:
            if isinstance(layer, FPNGraph):
                layer.f = list(layer.f)
        return layers, save

    @wraps(host_initialize)
    def initialize_weights(model: nn.Module) -> None:
        host_initialize(model)
        for part in model.modules():
            if isinstance(part, FPNGraph) and isinstance(part.plugged.neck, Neck):
                restore_norms(part.plugged.neck)

    tasks.FPNGraph, tasks.parse_model, tasks.initialize_weights = FPNGraph, parse_model, initialize_weights
    try:
        _try()
    except Exception as error:
        del tasks.FPNGraph
        tasks.parse_model, tasks.initialize_weights = host_parse, host_initialize
        raise HostError(
            f"Ultralytics {ultralytics.__version__} does not make the row {NAME} of a model file as {TRIED} does: "
            f"{type(error).__name__}: {error}\n  hint: pip install ultralytics=={TRIED}"
        ) from error


def _try() -> None:
    """A small model with a neck is what it should be. Raises HostError, or whatever Ultralytics does."""
    node = {"inputs": ["C5"], "channels": 8, "op": ["conv", {"batch_norm": {"eps": 0.5}}]}
    graph = {"fpngraph": 1, "name": "try", "inputs": {"C5": 5}, "nodes": {"P5": node}, "outputs": ["P5"]}
    head = [[[0], 1, NAME, [graph]], [["P5"], 1, "Detect", ["nc"]]]
    said = {"nc": 1, "backbone": [[-1, 1, "Conv", [8, 3, 32]]], "head": head}
    with torch.random.fork_rng(devices=[]):
        model = tasks.DetectionModel(said, verbose=False)
    kinds = [type(layer).__name__ for layer in model.model]
    norms = [part.eps for part in model.model[1].modules() if isinstance(part, nn.BatchNorm2d)]
    if (kinds, norms, model.stride.tolist()) != (["Conv", NAME, "Index", "Detect"], [0.5], [32.0]):
        raise HostError(f"the layers are {', '.join(kinds)}, strides {model.stride.tolist()}, eps of norms {norms}")


class Expansion:
    """The rows of a model file with each neck as rows that Ultralytics knows: itself, and an ``Index`` per output.

    Numbers of rows are those of the file until here, and those of the model from here on.
    """

    def __init__(self, said: Mapping[str, Any], rows: Sequence[Any], channels: int, parse: Callable[..., Any]) -> None:
        self._said, self._channels, self._parse = said, channels, parse
        self._file = [_row(number, row) for number, row in enumerate(rows)]
        self._folder = Path(said["yaml_file"]).parent if said.get("yaml_file") else None
        self._graphs = {number: self._graph(number, row) for number, row in enumerate(self._file) if row.kind == NAME}
        self._rows: list[list[Any]] = []
        self._places: dict[int | tuple[int, str], int] = {}
        """Of a row of the file, or of an output of a neck, by the neck's row and its name."""

    def expanded(self) -> list[list[Any]]:
        """Raises HostError, which names the row, for what is wrong with a neck or with what reads it."""
        wanted = {source for number, row in enumerate(self._file) for source in self._sources(number, row)}
        for number, row in enumerate(self._file):
            sources = [self._place(number, source) for source in self._sources(number, row)]
            if number in self._graphs:
                read = [name for name in self._graphs[number].outputs if (number, name) in wanted]
                self._add_neck(number, sources, read)
            else:
                self._places[number] = len(self._rows)
                several = isinstance(row.sources, list)
                self._rows.append([sources if several else sources[0], row.repeats, row.kind, row.arguments])
        return self._rows

    def _graph(self, number: int, row: Row) -> Graph:
        padded: list[Any] = [*row.arguments, None, None, None]
        graph, params, preset, *more = padded
        with _named(number, NAME):
            if row.repeats != 1:
                raise HostError(
                    f"repeats is {row.repeats!r}, but must be 1\n  hint: 'repeats' may be a parameter of the graph"
                )
            if not isinstance(graph, str | Mapping) or not isinstance(params or {}, Mapping) or any(more):
                raise HostError(
                    f"the arguments are {row.arguments!r:.80}, but must be [graph, params, preset]\n"
                    "  hint: a name, a path or a mapping, then a mapping, then a name; the last two may be left out"
                )
            asked = {str(name): value for name, value in (params or {}).items()}
            if isinstance(graph, Mapping):
                return loads(graph, preset=preset, folder=self._folder, **asked)
            beside = self._folder and self._folder / graph
            return load(beside if beside and beside.is_file() else graph, preset=preset, **asked)

    def _sources(self, number: int, row: Row) -> list[int | tuple[int, str]]:
        """What a row reads, as rows of the file, counted from the start, or as outputs of necks."""
        said = row.sources if isinstance(row.sources, list) else [row.sources]
        with _named(number, row.kind):
            return [self._source(number, it) for it in said]

    def _source(self, number: int, said: Any) -> int | tuple[int, str]:
        before = {neck: tuple(graph.outputs) for neck, graph in self._graphs.items() if neck < number}
        if not isinstance(said, int):
            found = [neck for neck, names in before.items() if said in names]
            if not found:
                there = ", ".join(name for names in before.values() for name in names)
                but = f"the necks before it give {there}" if there else "no neck is before it"
                raise HostError(f"it reads {said!r}, but {but}")
            return (found[-1], said)
        source = number + said if said < 0 else said
        if source >= number or source < min(0, number - 1):
            raise HostError(f"it reads row {source}, but must read one before it")
        names = before.get(source, ())
        if len(names) > 1:
            hint = f"read them by their names: {', '.join(names)}"
            raise HostError(f"it reads row {source}, a neck with {len(names)} outputs\n  hint: {hint}")
        return (source, names[0]) if names else source

    def _place(self, number: int, source: int | tuple[int, str]) -> int:
        """-1 for the row before, as Ultralytics then keeps no map of it."""
        return -1 if source == number - 1 else self._places[source]

    def _add_neck(self, number: int, sources: Sequence[int], read: Sequence[str]) -> None:
        with _named(number, NAME):
            if not self._rows:
                raise HostError("it reads the image, but a neck reads maps of rows before it")
            if not read:
                raise HostError(f"no row reads its outputs: {', '.join(self._graphs[number].outputs)}")
            places = [place % len(self._rows) for place in sources]
            plugged = plug(self._graphs[number], self._maps(places), outputs=read)
        place = len(self._rows)
        said = " ".join(map(str, [self._graphs[number].name, *self._file[number].arguments[1:]]))
        self._rows.append([Sources(places), 1, NAME, [Made(plugged, said)]])
        for index, (name, channels) in enumerate(zip(plugged.names, plugged.out_channels, strict=True)):
            self._places[number, name] = len(self._rows)
            self._rows.append([place, 1, "Index", [channels, index]])

    def _maps(self, places: Sequence[int]) -> list[tuple[int, int]]:
        """Strides and channels of what rows give: an image goes through all rows that there are so far."""
        said = dict(self._said) | {"backbone": copy.deepcopy(self._rows), "head": []}
        model = tasks.BaseModel()
        found: dict[int, Any] = {}
        model.model, model.save = self._parse(said, self._channels, verbose=False)
        for place in places:
            model.model[place].register_forward_hook(lambda _part, _given, y, place=place: found.update({place: y}))
        with torch.no_grad():
            model.eval().predict(torch.zeros(1, self._channels, SIDE_PX, SIDE_PX))
        for place in places:
            if not isinstance(found[place], Tensor) or found[place].dim() != 4:
                raise HostError(f"it reads what {self._rows[place][2]} gives, which is no map")
        return [(round(SIDE_PX / found[place].shape[3]), found[place].shape[1]) for place in places]


def _row(number: int, row: Any) -> Row:
    if not isinstance(row, Sequence) or len(row) != len(Row._fields):
        raise HostError(f"row {number} is {row!r:.80}, but must be [from, repeats, module, arguments]")
    return Row(*row)


@contextmanager
def _named(number: int, kind: str) -> Iterator[None]:
    try:
        yield
    except (GraphError, HostError) as error:
        raise HostError(f"row {number} ({kind}): {error}") from error


enable()
