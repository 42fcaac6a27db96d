"""A graph as plain data and as a table of its nodes: what ``show`` prints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from fpngraph.analysis.costs import Costs, lowered_cost, written
from fpngraph.analysis.shapes import Lowered, lower, lower_unknown
from fpngraph.analysis.steps import EdgeSteps
from fpngraph.analysis.wording import PERHAPS, PROJECTION, edge_in_words, in_words, step_in_words
from fpngraph.feature import Feature
from fpngraph.graph.graph import Graph
from fpngraph.graph.nodes import Node
from fpngraph.language.lifting import in_yaml
from fpngraph.ops.steps import UNKNOWN
from fpngraph.table import Column, print_items, print_table, print_text

Report = Mapping[str, Any]
Row = Mapping[str, Any]

_COLUMNS = (Column("node"), Column("level", right=True, keep=1), Column("inputs"), Column("fusion"), Column("op"))
_NUMBERS = (
    Column("output", right=True, keep=1),
    Column("parameters", right=True, keep=2),
    Column("MACs", right=True, keep=3),
)
_IN_RUN = re.compile(r"(.+)\.(\d+)\.([^.]+)")  # stage, run and name of a node in a stage that repeats


def report(graph: Graph, in_channels: Sequence[int] | None, image_size: tuple[int, int]) -> Report:
    """Every node with its operators and, where ``in_channels`` is known, its shape and costs; JSON has no other types.

    ``edges`` has what happens to each input on its way to the node: the factor between the levels, whether there is a
    projection (None: that depends on channels which are not known), and all layers in words. ``yaml`` has fusion and
    layers with their settings, as a file says them.
    Numbers that nobody knows are None, totals without them too; ``unknown`` has the names of such nodes, and why.
    Raises GraphError where the channels do not fit.
    """
    lowered = lower_unknown(graph) if in_channels is None else lower(graph, in_channels)
    costs = None if in_channels is None else lowered_cost(lowered, image_size)
    return {
        "graph": graph.name,
        "image_size": list(image_size) if costs else None,
        "inputs": {
            name: {"level": entry.level, "channels": in_channels[place] if in_channels is not None else None}
            for place, (name, entry) in enumerate(graph.inputs.items())
        },
        "nodes": [_row(node, lowered, costs) for node in graph.nodes.values()],
        "outputs": dict(graph.outputs),
        "parameters": costs.parameters if costs else None,
        "macs": costs.macs if costs else None,
        "unknown": dict(costs.unknown) if costs else {},
    }


def _row(node: Node, lowered: Lowered, costs: Costs | None) -> dict[str, Any]:
    found = costs.nodes[node.name] if costs else None
    return {
        "node": node.name,
        "level": node.level,
        "inputs": [edge.source for edge in node.edges],
        "edges": [_edge(edge, node, lowered.feature(edge.edge.source)) for edge in lowered.nodes[node.name].edges],
        "fusion": node.fusion.name,
        "op": [in_words(layer) for layer in node.op],
        "yaml": {"fusion": in_yaml(node.fusion), "op": [in_yaml(layer) for layer in node.op]},
        "channels": found.feature.channels if found else node.channels,
        "height": found.size.height if found else None,
        "width": found.size.width if found else None,
        "parameters": found.parameters if found else None,
        "macs": found.macs if found else None,
    }


def _edge(edge: EdgeSteps, node: Node, source: Feature) -> dict[str, Any]:
    known = source.channels != UNKNOWN
    layers = [step_in_words(step) for step in edge.steps] if known else edge_in_words(edge.edge, node, source)
    return {
        "down": 1 << (node.level - source.level) if source.level < node.level else None,
        "up": 1 << (source.level - node.level) if source.level > node.level else None,
        "projection": None if PERHAPS in layers else PROJECTION in layers,
        "layers": layers,
    }


def print_report(report: Report, *, expand: bool) -> None:
    """The report as a table; columns whose numbers nobody knows are left out. ``expand``: equal runs one by one."""
    counted = report["image_size"] is not None
    rows, repeats = (report["nodes"], []) if expand else _collapsed(report["nodes"])
    total = ("total", *[""] * 5, _total(report, "parameters"), _total(report, "macs")) if counted else ()
    columns = (*_COLUMNS, *_NUMBERS) if counted else _COLUMNS
    print_table(columns, [(*_cells(row), *(_number_cells(row) if counted else ())) for row in rows], total)
    for runs, count in repeats:
        print_text(f"{runs} stands for {count} equal runs: each row has the numbers of one, totals count all.")
    inputs = (f"{name} ({entry['channels']} channels)" if counted else name for name, entry in report["inputs"].items())
    print_items("inputs: ", inputs)
    print_items("outputs: ", (f"{name} = {node}" for name, node in report["outputs"].items()))
    if any(edge["projection"] is None for row in rows for edge in row["edges"]):
        print_text(f"{PERHAPS} is there where channels differ, which --in-channels or --backbone tells.")
    for reason, nodes in groupby(report["unknown"], key=report["unknown"].get):
        print_text(f"totals lack what is not known of {', '.join(nodes)}: {reason}")
    if counted:
        height, width = report["image_size"]
        print_text(
            f"MACs are multiply-accumulates of convolutions and matrix products for one image of {height}x{width}."
        )


def _total(report: Report, key: str) -> str:
    if report[key] is not None:
        return written(report[key])
    return f"{sum(row[key] or 0 for row in report['nodes']):,} + ?"


def _cells(row: Row) -> tuple[str, ...]:
    stage = row["node"].rpartition(".")[0] + "."
    inputs = ", ".join(
        source.removeprefix(stage) + (f" ({' + '.join(edge['layers'])})" if edge["layers"] else "")
        for source, edge in zip(row["inputs"], row["edges"], strict=True)
    )
    return row["node"], str(row["level"]), inputs, row["fusion"], ", ".join(row["op"]) or "none"


def _number_cells(row: Row) -> tuple[str, ...]:
    shape = f"{row['channels']} x {row['height']} x {row['width']}"
    return shape, written(row["parameters"]), written(row["macs"])


def _collapsed(rows: Iterable[Row]) -> tuple[list[Row], list[tuple[str, int]]]:
    """The rows with each series of equal runs of a stage once, and for each its name and how many runs it is."""
    shown: list[Row] = []
    repeats = []
    for stage, runs in groupby(_runs(rows), key=lambda run: run[0]):
        places = enumerate(runs)  # of runs that follow one another, number and place differ by the same
        for _, alike in groupby(places, key=lambda at: (at[1][1] - at[0], _relative(at[1][2], stage, at[1][1]))):
            numbers, every = zip(*((number, nodes) for _, (_, number, nodes) in alike), strict=True)
            if len(numbers) > 1:
                repeats.append((_span(stage, numbers, 0), len(numbers)))
                shown += [_spanning(row, stage, numbers) for row in every[0]]
            else:
                shown += every[0]
    return shown, repeats


def _runs(rows: Iterable[Row]) -> Iterator[tuple[str, int, list[Row]]]:
    """Rows that follow one another in one run of a stage; what is in none is alone, in a stage without a name."""
    for key, found in groupby(rows, key=lambda row: (m := _IN_RUN.fullmatch(row["node"])) and (m[1], int(m[2]))):
        yield (*(key or ("", 0)), list(found))


def _relative(rows: Sequence[Row], stage: str, run: int) -> Any:
    """The rows as they are in every run that is equal: names of the stage's nodes count from its run."""
    return [
        {**row, "node": _from(row["node"], stage, run), "inputs": [_from(name, stage, run) for name in row["inputs"]]}
        for row in rows
    ]


def _from(name: str, stage: str, run: int) -> tuple[int, str] | str:
    found = _IN_RUN.fullmatch(name)
    return (int(found[2]) - run, found[3]) if found and found[1] == stage else name


def _spanning(row: Row, stage: str, runs: Sequence[int]) -> Row:
    """The row of the first of ``runs`` with the names of all."""

    def renamed(name: str) -> str:
        found = _from(name, stage, runs[0])
        return found if isinstance(found, str) else f"{_span(stage, runs, found[0])}.{found[1]}"

    return {**row, "node": renamed(row["node"]), "inputs": [renamed(name) for name in row["inputs"]]}


def _span(stage: str, runs: Sequence[int], offset: int) -> str:
    return f"{stage}.{runs[0] + offset}-{runs[-1] + offset}"
