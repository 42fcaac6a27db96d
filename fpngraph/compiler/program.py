"""The forward of a compiled graph as it is written in torch.fx: its beginning, its end, and calls between them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from torch import fx

from fpngraph.compiler.runtime import coarser, finer, pack, size_of, unpack
from fpngraph.graph.graph import Graph


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
    sizes: dict[int, fx.Node] = {}
    for level in sorted({node.level for node in graph.nodes.values()}):
        entry = graph.sized_by(level)
        base = entry.level
        if base not in sizes:
            sizes[base] = call(program, f"size{base}", size_of, values[entry.name])
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
