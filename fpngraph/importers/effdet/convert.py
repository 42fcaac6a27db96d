"""A neck of effdet as a graph file, and the table of what its weights are called."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from fpngraph.efficientdet.host import GRAPHS, parameters
from fpngraph.errors import GraphError, Problem, nearest
from fpngraph.importers.effdet.config import NAMES, FpnConfig, Settings, read_settings
from fpngraph.importers.families import families
from fpngraph.library import load

_FUSIONS = {"sum": "sum", "attn": "softmax", "fastattn": "fast_normalized", "fa": "fast_normalized"}
_DEFAULT = "bifpn_fa"
_CELL = "cell"


@dataclass(frozen=True)
class Node:
    """A node of a cell: what it reads is counted from the cell's inputs on, finest first, then its nodes."""

    name: str
    offsets: Sequence[int]
    fusion: str


@dataclass(frozen=True)
class Converted:
    """A graph file and the table of its weights, as plain data."""

    graph: Mapping[str, Any]
    names: Sequence[Mapping[str, str]]

    def table(self) -> Mapping[str, Any]:
        """The table of names, for the state dict of the neck alone, or of a model with the prefix ``fpn.``."""
        return {"source": "effdet", "graph": self.graph["name"], "names": list(self.names), "blocks": _BLOCKS}


_BLOCKS = {
    "node": [
        {"ours": "fusion.weight", "theirs": "combine.edge_weights"},
        {"ours": "op.separable_conv.depthwise", "theirs": "after_combine.conv.conv_dw"},
        {"ours": "op.separable_conv.pointwise", "theirs": "after_combine.conv.conv_pw"},
        {"ours": "op.conv", "theirs": "after_combine.conv.conv"},
        {"ours": "op.norm", "theirs": "after_combine.conv.bn"},
    ],
    "project": [{"ours": "conv", "theirs": "conv.conv"}, {"ours": "norm", "theirs": "conv.bn"}],
}


def convert(name_or_path: str | os.PathLike[str]) -> Converted:
    """The neck that effdet calls by a name of ``NAMES``, or that a file says, which is a configuration or a cell.

    A file has ``nodes``, those of an ``fpn_config``, or is the configuration of a model. What it does not say is as in
    effdet's ``efficientdet_d0``. Inputs and outputs are called ``P3`` by their levels. Raises GraphError with the place
    of all that is wrong.
    """
    if name_or_path in NAMES:
        settings, name = Settings(fpn_name=str(name_or_path)), str(name_or_path)
    else:
        path = Path(name_or_path)
        if not path.suffix and not path.exists():
            message = f"effdet has no cell {str(path)!r}, and there is no such file"
            hint = f"{nearest(str(path), NAMES)}; or give the path of a file with 'nodes'"
            raise GraphError([Problem("unreadable-file", message, None, hint)])
        settings, name = read_settings(path), path.stem
    cell = list(_named(settings.fpn_config, len(settings.levels)) if settings.fpn_config else _shipped(settings))
    return Converted(_graph(name, settings, cell), list(_names(settings, cell)))


def _shipped(settings: Settings) -> Iterator[Node]:
    """The nodes of a cell that effdet has a name for, called as in the graph that comes with the package."""
    topology, _, fusion = (settings.fpn_name or _DEFAULT).partition("_")
    low, high = settings.min_level, settings.max_level
    graph = load(GRAPHS[topology], repeats=1, fusion=_FUSIONS[fusion], min=low, backbone_max=high, max=high)
    number = {name: offset for offset, name in enumerate([*graph.inputs, *graph.nodes])}
    for node in graph.nodes.values():
        yield Node(node.name.rpartition(".")[2], [number[edge.source] for edge in node.edges], node.fusion.name)


def _named(cell: FpnConfig, inputs: int) -> Iterator[Node]:
    """The nodes of a cell, with a letter for each sweep over the levels."""
    letters = ("".join(it) for it in chain(ascii_lowercase.replace("l", ""), product(ascii_lowercase, repeat=2)))
    letter, direction, last = next(letters), 0, None
    for node in cell.nodes:
        step = 0 if last is None else node.feat_level - last
        if last is not None and (step == 0 or step * direction < 0):
            letter, direction = next(letters), 0
            step = step if abs(step) == 1 else 0  # from where it starts, it may go either way
        direction, last = direction or step, node.feat_level
        yield Node(f"{letter}{node.feat_level}", node.inputs_offsets, _FUSIONS[node.weight_method])


def _graph(name: str, settings: Settings, cell: Sequence[Node]) -> Mapping[str, Any]:
    params = parameters(settings)
    levels, given = settings.levels, settings.backbone_max
    maps = [f"P{level}" for level in levels] + [node.name for node in cell]
    (fusion, _), *_ = Counter(node.fusion for node in cell).most_common(1)
    entries = {
        node.name: {
            "inputs": [{"from": maps[offset]} for offset in node.offsets],
            **({"fusion": node.fusion} if node.fusion != fusion else {}),
        }
        for node in cell
    }
    last = cell[-len(levels) :]
    results = {f"P{level}": {"inputs": [{"from": node.name}]} for level, node in zip(levels, last, strict=True)}
    coarse = {_family("P", range(given + 1, levels[-1] + 1)): {"inputs": ["P(l-1)"], "fusion": "sum", "op": "none"}}
    nodes = {key: _written(entry, fusion) for key, entry in families(entries, maps).items()}
    outputs = {key: entry["inputs"][0]["from"] for key, entry in families(results, maps).items()}
    return {
        "fpngraph": 1,
        "name": name,
        "description": f"A neck of effdet with {_said_of_cells(settings)}.",
        "source": "https://github.com/rwightman/efficientdet-pytorch",
        "inputs": _family("P", range(levels[0], given + 1)),
        "defaults": {
            "channels": params["channels"],
            "fusion": fusion,
            "resample": {key: params[key] for key in ("down", "up", "project")},
            **{key: params[key] for key in ("op", "norm", "act", "padding")},
            "init": "effdet",
        },
        "stages": {
            **({"coarse": {"nodes": coarse}} if given < levels[-1] else {}),
            _CELL: {"repeat": params["repeats"], "nodes": nodes, "outputs": outputs},
        },
        "outputs": _family("P", levels),
    }


def _said_of_cells(settings: Settings) -> str:
    return "cells of a configuration's own" if settings.fpn_config else f"its cells {settings.fpn_name or _DEFAULT!r}"


def _written(entry: Mapping[str, Any], fusion: str) -> Mapping[str, Any]:
    """A node as a file has it. effdet projects what a node of one input reads, which ``| none`` keeps."""
    inputs = [edge["from"] for edge in entry["inputs"]]
    if len(inputs) == 1 and entry.get("fusion", fusion) == "sum":
        inputs = [f"{inputs[0]} | none"]
    return {**entry, "inputs": inputs}


def _family(name: str, levels: range) -> str:
    return f"{name}({levels[0]}..{levels[-1]})" if levels else ""


def _names(settings: Settings, cell: Sequence[Node]) -> Iterator[Mapping[str, str]]:
    """What each module with weights is called on both sides."""
    levels, given = settings.levels, settings.backbone_max
    for level in range(given + 1, levels[-1] + 1):
        ours = f"coarse.P{level}.edges.P{level - 1}.project"
        yield {"ours": ours, "theirs": f"resample.{level - levels[0]}", "as": "project"}
    for number, node in enumerate(cell):
        yield {"ours": f"{_CELL}.{{i}}.{node.name}", "theirs": f"cell.{{i}}.fnode.{number}", "as": "node"}
        for offset in node.offsets:
            if levels[0] + offset <= given:
                ours = f"{_CELL}.0.{node.name}.edges.P{levels[0] + offset}.project"
                theirs = f"cell.0.fnode.{number}.combine.resample.{offset}"
                yield {"ours": ours, "theirs": theirs, "as": "project"}
