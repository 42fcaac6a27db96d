"""A graph as plain data and as a table: what ``show`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table

from fpngraph.costs import Costs, cost
from fpngraph.graph import Graph, Node

_UNLIMITED = 1_000_000  # columns
_WRAPPED = ("inputs", "op")  # where a terminal is too narrow

Report = Mapping[str, Any]


def report(graph: Graph, in_channels: Sequence[int] | None, image_size: tuple[int, int]) -> Report:
    """Every node with its operators and, where ``in_channels`` is known, its shape and costs; JSON has no other types.

    Raises GraphError where the channels do not fit.
    """
    costs = cost(graph, in_channels, image_size) if in_channels is not None else None
    return {
        "graph": graph.name,
        "image_size": list(image_size) if costs else None,
        "inputs": {
            name: {"level": entry.level, "channels": in_channels[place] if in_channels is not None else None}
            for place, (name, entry) in enumerate(graph.inputs.items())
        },
        "nodes": [_row(node, costs) for node in graph.nodes.values()],
        "outputs": dict(graph.outputs),
        "parameters": costs.parameters if costs else None,
        "macs": costs.macs if costs else None,
    }


def _row(node: Node, costs: Costs | None) -> dict[str, Any]:
    found = costs.nodes[node.name] if costs else None
    return {
        "node": node.name,
        "level": node.level,
        "inputs": [edge.source for edge in node.edges],
        "fusion": node.fusion.name,
        "op": [layer.name for layer in node.op],
        "channels": found.feature.channels if found else node.channels,
        "height": found.size.height if found else None,
        "width": found.size.width if found else None,
        "parameters": found.parameters if found else None,
        "macs": found.macs if found else None,
    }


def print_report(report: Report) -> None:
    """The report as a table; columns whose numbers nobody knows are left out."""
    counted = report["image_size"] is not None
    numbers = ("output>", "parameters>", "MACs>") if counted else ()
    table = empty("node", "level>", "inputs", "fusion", "op", *numbers)
    for row in report["nodes"]:
        table.add_row(*_cells(row), *(_number_cells(row) if counted else ()))
    if counted:
        table.add_section()
        table.add_row("total", *[""] * 5, f"{report['parameters']:,}", f"{report['macs']:,}")
    show(table)
    inputs = (f"{name} ({entry['channels']} channels)" if counted else name for name, entry in report["inputs"].items())
    print(f"inputs: {', '.join(inputs)}")
    print(f"outputs: {', '.join(f'{name} = {node}' for name, node in report['outputs'].items())}")
    if counted:
        height, width = report["image_size"]
        print(f"MACs are multiply-accumulates of convolutions and matrix products for one image of {height}x{width}.")


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    stage = row["node"].rpartition(".")[0] + "."
    inputs = ", ".join(source.removeprefix(stage) for source in row["inputs"])
    return row["node"], str(row["level"]), inputs, row["fusion"], ", ".join(row["op"]) or "none"


def _number_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    shape = f"{row['channels']} x {row['height']} x {row['width']}"
    return shape, f"{row['parameters']:,}", f"{row['macs']:,}"


def empty(*headings: str) -> Table:
    """An empty table; ``>`` after a heading puts its column to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for heading in headings:
        justify: Literal["left", "right"] = "right" if heading.endswith(">") else "left"
        table.add_column(heading.rstrip(">"), justify=justify, overflow="fold", no_wrap=heading not in _WRAPPED)
    return table


def show(table: Table) -> None:
    """Print within the width of a terminal, and in full width to anything else."""
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        width = Console(width=_UNLIMITED).measure(table).maximum
        console = Console(markup=False, highlight=False, width=width)
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))
