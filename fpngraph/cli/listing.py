"""The command that lists: graphs in two lines each, all of one graph, and the detectors that have names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fpngraph.analysis.costs import cost, written
from fpngraph.cli.checking import graphs_among
from fpngraph.cli.graphs import Choice, is_asked_wrongly, is_stream
from fpngraph.cli.messages import complain_of
from fpngraph.cli.values import UsageError
from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph
from fpngraph.language.yaml.writing import flow
from fpngraph.library import Description, describe, named
from fpngraph.table import Column, print_items, print_table, print_text

Form = Literal["text", "json"]
_NAME = "list"
_USUAL = {0: 3, 1: 64, 2: 256, 3: 512, 4: 1024, 5: 2048}
"""Channels of an image and of the maps of ResNet-50, by their levels (arXiv:1512.03385, table 1)."""


@dataclass(frozen=True, slots=True)
class Maps:
    """What the costs of presets are worked out for."""

    backbone: str | None
    in_channels: tuple[int, ...] | None
    image_size: tuple[int, int]

    def channels(self, choice: Choice, graph: Graph) -> tuple[int, ...] | None:
        """Of the graph's inputs, as asked for or as usual; None where nothing is usual at one of their levels."""
        if self.backbone or self.in_channels:
            return choice.channels(graph)
        found = [_USUAL.get(entry.level) for entry in graph.inputs.values()]
        return None if None in found else tuple(it for it in found if it)

    @property
    def text(self) -> str:
        """What they are, in words."""
        sides = "x".join(map(str, self.image_size))
        maps = f"the maps of {self.backbone}" if self.backbone else "maps as of a ResNet-50"
        if self.in_channels:
            maps = f"maps of {', '.join(map(str, self.in_channels))} channels"
        return f"for {maps} and one image of {sides}"


def named_graphs(form: Form) -> int:
    """Every graph that has a name; what is wrong with one of another package hides no other."""
    entries = [(name, found) for name in sorted(named()) if (found := _described(name))]
    if form == "json":
        print(json.dumps([_entry(name, found) for name, found in entries], indent=2))
        return 0
    for name, found in entries:
        print_text(f"{name}: {found.description}")
        presets = f"; presets {', '.join(found.presets)}" if found.presets else ""
        print_text(f"  {', '.join(found.inputs)} -> {', '.join(found.outputs)}{presets}")
    print_text("'fpngraph list NAME' has the parameters of one, and what its presets cost.")
    return 0


def pages(names: Sequence[str], maps: Maps, form: Form) -> int:
    """All of each graph. The status is that of the worst, for every one that is right is told."""
    status, told = 0, []
    for name in graphs_among(names, only_graphs=False):
        if is_stream(name):
            raise UsageError(f"{name!r} can be read once, and each preset reads the graph: name a file")
        try:
            found = describe(name)
            told.append(_entry(name, found) | {"costs": _costs(name, found, maps)})
        except GraphError as error:
            complain_of(error, _NAME)
            status = max(status, 2 if is_asked_wrongly(error) else 1)
    if form == "json":
        print(json.dumps(told, indent=2))
        return status
    for place, entry in enumerate(told):
        if place:
            print()
        _print_page(entry, maps)
    return status


def detectors(form: Form) -> int:
    """Every detector that has a name, with what it is made of."""
    from fpngraph.efficientdet import config, names

    rows = [_detector(config(name)) for name in names()]
    if form == "json":
        print(json.dumps(rows, indent=2))
        return 0
    columns = (
        Column("detector"),
        Column("image", right=True, keep=2),
        Column("graph", keep=1),
        Column("channels", right=True, keep=1),
        Column("backbone"),
    )
    print_table(columns, [_detector_row(row) for row in rows])
    return 0


def _described(name: str) -> Description | None:
    try:
        return describe(name)
    except GraphError as error:
        complain_of(error, _NAME)
        return None


def _entry(name: str, found: Description) -> dict[str, Any]:
    return vars(found) | {"name": name, "inputs": list(found.inputs), "outputs": list(found.outputs)}


def _costs(name: str, found: Description, maps: Maps) -> list[dict[str, Any]]:
    """Parameters and MACs as the file is and with each preset; None where they are not known, and why."""
    rows = []
    for preset in (None, *found.presets):
        choice = Choice(name, preset, {}, maps.backbone, maps.in_channels)
        row: dict[str, Any] = {"preset": preset, "in_channels": None, "parameters": None, "macs": None, "reason": None}
        try:
            graph = choice.load()
            channels = maps.channels(choice, graph)
            if channels is None:
                row["reason"] = "add --in-channels or --backbone"
            else:
                costs = cost(graph, channels, maps.image_size)
                row |= {"in_channels": list(channels), "parameters": costs.parameters, "macs": costs.macs}
                row["reason"] = next(iter(costs.unknown.values()), None)
        except GraphError as error:
            row["reason"] = error.problems[0].message
        rows.append(row)
    return rows


def _print_page(entry: Mapping[str, Any], maps: Maps) -> None:
    print_text(f"{entry['name']}: {entry['description']}")
    if entry["source"]:
        print_text(f"source: {entry['source']}")
    print_items("inputs: ", entry["inputs"])
    print_items("outputs: ", entry["outputs"])
    if entry["params"]:
        print()
        print_table(
            (Column("parameter"), Column("default")), [(name, flow(value)) for name, value in entry["params"].items()]
        )
    print()
    columns = (
        Column("preset"),
        Column("parameters", right=True, keep=2),
        Column("MACs", right=True, keep=1),
        Column("sets"),
    )
    print_table(columns, [_preset_row(row, entry["presets"]) for row in entry["costs"]])
    for reason in dict.fromkeys(row["reason"] for row in entry["costs"] if row["reason"]):
        print_text(f"not known: {reason}")
    if any(row["macs"] for row in entry["costs"]):
        print_text(f"MACs are multiply-accumulates of convolutions and matrix products, {maps.text}.")


def _preset_row(row: Mapping[str, Any], presets: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    sets = ", ".join(f"{name}: {flow(value)}" for name, value in presets.get(row["preset"], {}).items())
    return row["preset"] or "(none)", written(row["parameters"]), written(row["macs"]), sets


def _detector(found: Any) -> dict[str, Any]:
    graph = found.load_graph()
    return {
        "name": found.name,
        "image_size": list(found.image_size),
        "backbone": found.backbone,
        "graph": found.graph,
        "channels": sorted({node.channels for node in graph.nodes.values() if node.channels}),
        "nodes": len(graph.nodes),
    }


def _detector_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    sides, channels = ("x".join(map(str, row["image_size"])), "/".join(map(str, row["channels"])))
    return row["name"], sides, row["graph"], channels, row["backbone"]
