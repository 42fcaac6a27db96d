"""A model file of Ultralytics as a graph file, and the table of what its weights are called."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpngraph.importers.families import families
from fpngraph.importers.ultralytics.modules import Layer
from fpngraph.importers.ultralytics.nodes import Edge, Neck, Node, neck_of
from fpngraph.importers.ultralytics.rows import Model, read_model
from fpngraph.library import folder_of_graphs
from fpngraph.ops.steps import numbered
from fpngraph.weights.tables import Names, read_table

_NORM = {"batch_norm": {"eps": 0.001, "momentum": 0.03}}
"""What Ultralytics sets all its norms to."""


@dataclass(frozen=True)
class Converted:
    """A graph file and the table of its weights, as plain data."""

    graph: Mapping[str, Any]
    names: Sequence[Mapping[str, str]]

    def table(self) -> Mapping[str, Any]:
        """The table of names, with the blocks that it speaks of."""
        blocks = {
            name: [names.model_dump(by_alias=True, exclude_none=True) for names in it] for name, it in _blocks().items()
        }
        used = _used({names["as"] for names in self.names if "as" in names}, blocks)
        return {
            "source": "ultralytics",
            "graph": self.graph["name"],
            "whole": False,
            "names": list(self.names),
            "blocks": {name: blocks[name] for name in blocks if name in used},
        }


def _blocks() -> Mapping[str, Sequence[Names]]:
    """What Ultralytics calls what is in its modules."""
    return read_table(folder_of_graphs() / "weights" / "ultralytics_blocks.yaml").blocks


def _used(names: set[str], blocks: Mapping[str, Sequence[Mapping[str, Any]]]) -> set[str]:
    """The blocks of these names, and those in them."""
    used: set[str] = set()
    while names:
        used |= names
        names = {inner["as"] for name in names for inner in blocks[name] if "as" in inner} - used
    return used


def convert(path: str | os.PathLike[str], scale: str | None = None) -> Converted:
    """As ``fpngraph.importers.from_ultralytics`` says."""
    model = read_model(Path(path), scale)
    neck = neck_of(model)
    return Converted(_graph(model, neck), list(_names(neck)))


def _graph(model: Model, neck: Neck) -> Mapping[str, Any]:
    levels = {**neck.inputs, **{node.name: node.level for node in neck.nodes}}
    entries = {node.name: _entry(node, levels) for node in neck.nodes}
    defaults = _lifted(entries)
    widths = {node.level: node.channels for node in neck.nodes if node.joins}
    defaults = {"channels": _only(widths) or dict(sorted(widths.items())), **defaults}
    for node in neck.nodes:
        if widths.get(node.level) == node.channels:
            del entries[node.name]["channels"]
    nodes = families(entries, list(levels))
    return {
        "fpngraph": 1,
        "name": model.name,
        "description": f"The neck of a model file of Ultralytics{f', scale {model.scale}' if model.scale else ''}.",
        "inputs": dict(sorted(neck.inputs.items(), key=lambda it: it[1])),
        "defaults": {**defaults, "norm": _NORM, "act": model.act},
        "nodes": {
            name: {**entry, "inputs": [edge["from"] if set(edge) == {"from"} else edge for edge in entry["inputs"]]}
            for name, entry in nodes.items()
        },
        "outputs": neck.outputs,
    }


def _lifted(entries: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """What most nodes say, which they then do not say."""
    defaults: dict[str, Any] = {"fusion": "concat"}
    edges = [edge for entry in entries.values() for edge in entry["inputs"]]
    for key in ("down", "up"):
        if (common := _commonest([edge[key] for edge in edges if key in edge])) is not None:
            defaults.setdefault("resample", {})[key] = common
            for edge in edges:
                if edge.get(key) == common:
                    del edge[key]
    op = _commonest([entry["op"] for entry in entries.values() if len(entry["inputs"]) > 1])
    for entry in entries.values():
        if entry["op"] == op:
            del entry["op"]
    return {**defaults, "op": op or "none"}


def _only(widths: Mapping[int, int]) -> int | None:
    found = set(widths.values())
    return found.pop() if len(found) == 1 else None


def _entry(node: Node, levels: Mapping[str, int]) -> dict[str, Any]:
    return {
        "inputs": [_edge(edge, node, levels) for edge in node.edges],
        "channels": node.channels,
        "op": [_without(layer.said, node.channels) for layer in node.layers],
    }


def _edge(edge: Edge, node: Node, levels: Mapping[str, int]) -> dict[str, Any]:
    said = [layer.said for layer in edge.layers]
    if levels[edge.source] == node.level:
        return {"from": edge.source}
    key = "down" if levels[edge.source] < node.level else "up"
    return {"from": edge.source, key: said[0] if len(said) == 1 else said}


def _without(said: Any, channels: int) -> Any:
    """A convolution that does not say its channels where they are the node's."""
    if isinstance(said, dict) and "conv" in said and said["conv"].get("channels") == channels:
        return {"conv": {key: value for key, value in said["conv"].items() if key != "channels"}}
    return said


def _commonest(values: Sequence[Any]) -> Any:
    """The value that is there most often; None if there is none."""
    counts = Counter(map(repr, values))
    return next((value for value in values if repr(value) == counts.most_common(1)[0][0]), None)


def _names(neck: Neck) -> Iterator[Mapping[str, str]]:
    """What each module with weights is called on both sides."""
    for node in neck.nodes:
        edges = numbered((edge.source, edge) for edge in node.edges)
        for source, edge in edges.items():
            yield from _of_layers(f"{node.name}.edges.{source}", edge.layers)
        yield from _of_layers(f"{node.name}.op", node.layers)


def _of_layers(path: str, layers: Sequence[Layer]) -> Iterator[Mapping[str, str]]:
    for key, layer in numbered((layer.key, layer) for layer in layers).items():
        if layer.theirs:
            named = {"ours": f"{path}.{key}", "theirs": layer.theirs}
            yield named | ({"as": layer.block} if layer.block else {})
