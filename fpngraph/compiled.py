"""What a graph compiles to: a torch.fx GraphModule, and the functions that its generated code calls."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, fx

from fpngraph.drawing import draw, svg
from fpngraph.feature import Size
from fpngraph.graph import Graph
from fpngraph.layers.layout import outside
from fpngraph.layers.tracing import certain, numbers

Features = Sequence[Tensor] | Mapping[str, Tensor]


class Compiled(fx.GraphModule):
    """Feature maps in, feature maps out, by a forward that is written for the graph: ``code`` has it as Python text.

    Copies and pickles have it written anew. An output that is an input of the graph is the caller's own tensor.
    """

    source_graph: Graph
    """What it was compiled from (``graph`` is torch's name for the fx graph)."""
    in_channels: dict[str, int]
    """By input name."""
    out_channels: dict[str, int]
    """By output name."""
    out_strides: dict[str, int]
    """By output name."""

    def _write(self) -> fx.Graph:
        """The forward, from attributes that are no modules."""
        raise NotImplementedError(type(self).__name__)

    def _repr_svg_(self) -> str:
        """The diagram of its graph, for notebooks."""
        return svg.write(draw(self.source_graph, in_channels=self.in_channels))

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[no-untyped-call]  # torch has no hints for it
        del state["_graph"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]  # as above
        self.graph = self._write()

    def __reduce__(self) -> tuple[Any, ...]:
        return _blank, (type(self).__base__,), self.__getstate__()

    def __copy__(self) -> Self:
        neck: Self = _blank(type(self).__base__)
        neck.__setstate__(self.__getstate__())
        return neck

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        neck: Self = _blank(type(self).__base__)
        memo[id(self)] = neck
        memo[id(self.source_graph)] = self.source_graph  # it never changes
        neck.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return neck


def _blank(kind: Any) -> Any:
    """A neck with nothing in it yet, for ``__setstate__``."""
    neck = kind.__new__(kind)
    type(neck).__name__ = kind.__name__  # every GraphModule is the only instance of a class of its own
    return neck


def unpack(features: Features, inputs: Mapping[str, tuple[int, int]]) -> tuple[Tensor, ...]:
    """The maps in the order of ``inputs``, name to (level, channels), once they are found to fit."""
    wanted = f"the neck takes {', '.join(inputs)}"
    if isinstance(features, Mapping):
        if set(features) != set(inputs):
            raise ValueError(f"features has the maps {', '.join(map(str, features)) or 'none'}, but {wanted}")
        maps = tuple(features[name] for name in inputs)
    elif isinstance(features, Sequence):
        if len(features) != len(inputs):
            raise ValueError(f"features has {len(features)} maps, but {wanted}")
        maps = tuple(features)
    else:
        kind = type(features).__name__
        raise TypeError(f"features is a {kind}, but {wanted}, as a list in this order or a mapping by name")
    _check(inputs, maps)
    return maps


def _check(inputs: Mapping[str, tuple[int, int]], maps: Sequence[object]) -> None:
    """Raises TypeError and ValueError for a map that is none of this input, and for two that do not go together."""
    first: _Given | None = None
    of_level: dict[int, _Given] = {}
    for (name, (level, channels)), x in zip(inputs.items(), maps, strict=True):
        given = _given(name, x, channels)
        first = first or given
        _check_pair(given, first)
        other = of_level.setdefault(level, given)
        if given.size != other.size:
            raise ValueError(
                f"map {name!r} is {_written(given.size)}, but map {other.name!r}, also of level {level}, is "
                f"{_written(other.size)}; maps of one level have one size"
            )


class _Given(NamedTuple):
    """What an input was given."""

    name: str
    x: Tensor
    batch: int
    size: Size


def _given(name: str, x: object, channels: int) -> _Given:
    wanted = f"a tensor [batch, {channels}, height, width]"
    if not isinstance(x, Tensor):
        raise TypeError(f"map {name!r} is a {type(x).__name__}, not {wanted}")
    shape = numbers(x.shape)
    if len(shape) != 4 or shape[1] != channels:
        raise ValueError(f"map {name!r} has the shape {list(shape)}, not {wanted}")
    if not x.is_floating_point():
        raise TypeError(f"map {name!r} is of {x.dtype}, not of a floating-point type")
    if any(certain(side == 0) for side in shape[2:]):
        raise ValueError(f"map {name!r} is {_written(Size(*shape[2:]))}; a map has a pixel or more on each side")
    return _Given(name, x, shape[0], Size(*shape[2:]))


def _check_pair(given: _Given, first: _Given) -> None:
    """A batch of none is one too; types may differ where autocast is at work, which mixes them itself."""
    name, other = f"map {given.name!r}", f"map {first.name!r}"
    x, like = given.x, first.x
    if x.device != like.device:
        raise ValueError(f"{name} is on {x.device}, but {other} on {like.device}; maps of one call are on one device")
    if x.dtype != like.dtype and not torch.is_autocast_enabled(x.device.type):
        raise ValueError(f"{name} is of {x.dtype}, but {other} of {like.dtype}; maps of one call have one type")
    if given.batch != first.batch:
        raise ValueError(
            f"{name} has a batch of {given.batch}, but {other} one of {first.batch}; maps of one call have one batch"
        )


def _written(size: Size) -> str:
    return f"{size.height}x{size.width}"


def pack(features: Features, outputs: Mapping[str, Tensor]) -> list[Tensor] | dict[str, Tensor]:
    """The outputs, laid out as the first input is; a dict by name if the neck was called with a mapping, or a list."""
    if isinstance(features, Mapping):
        like = next(iter(features.values()))
        return {name: outside(x, like) for name, x in outputs.items()}
    return [outside(x, features[0]) for x in outputs.values()]


def size_of(x: Tensor) -> Size:
    """Height and width of a map."""
    return Size(x.shape[-2], x.shape[-1])


def coarser(size: Size, levels: int) -> Size:
    """The size so many levels coarser: divided by their ratio, rounded up."""
    # Written as poolings compute theirs, so that torch.export sees that the two are equal.
    ratio = 1 << levels
    return Size((size.height - 1) // ratio + 1, (size.width - 1) // ratio + 1)


def finer(size: Size, levels: int) -> Size:
    """The size so many levels finer, where no input says it."""
    ratio = 1 << levels  # multiplied by, because exporters to ONNX cannot shift a size
    return Size(size.height * ratio, size.width * ratio)


def begin(
    program: fx.Graph, graph: Graph, in_channels: Mapping[str, int]
) -> tuple[fx.Node, dict[str, fx.Node], dict[int, fx.Node]]:
    """The start of a forward: what it is called with, the graph's inputs by name, the sizes of levels with a node."""
    features = program.placeholder("features")
    inputs = {name: (entry.level, in_channels[name]) for name, entry in graph.inputs.items()}
    maps = call(program, "maps", unpack, features, inputs)
    values = {name: call(program, name, operator.getitem, maps, index) for index, name in enumerate(inputs)}
    return features, values, _write_sizes(program, graph, values)


def end(program: fx.Graph, features: fx.Node, outputs: Mapping[str, fx.Node]) -> None:
    """The end of a forward: the outputs, as a list or a dict."""
    program.output(call(program, "outputs", pack, features, dict(outputs)))


def _write_sizes(program: fx.Graph, graph: Graph, values: Mapping[str, fx.Node]) -> dict[int, fx.Node]:
    """The size of every level that has a node: its input's, else from the nearest finer input, else from the finest."""
    inputs = {entry.level: values[entry.name] for entry in graph.inputs.values()}
    sizes: dict[int, fx.Node] = {}
    for level in sorted({node.level for node in graph.nodes.values()}):
        base = max((other for other in inputs if other <= level), default=min(inputs))
        if base not in sizes:
            sizes[base] = call(program, f"size{base}", size_of, inputs[base])
        if level != base:
            change, levels = (coarser, level - base) if level > base else (finer, base - level)
            sizes[level] = call(program, f"size{level}", change, sizes[base], levels)
    return sizes


def call(program: fx.Graph, name: str, function: Callable[..., object], *arguments: Any) -> fx.Node:
    """A call of ``function`` whose result has a name like ``name``."""
    return program.create_node("call_function", function, arguments, name=variable(name))


def variable(name: str) -> str:
    """A name to call a value by; torch.fx makes it a legal and unique one, but does not know ``self``."""
    return "self_" if name == "self" else name
