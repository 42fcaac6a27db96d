"""What a graph is made of, whatever its channels and however often a stage or a block is repeated."""

from __future__ import annotations

from collections.abc import Iterator

import fpngraph
from fpngraph.ops import Operator


def switches(op: Operator | str) -> Iterator[tuple[str, ...]]:
    """The switches of an operator that are not as they are by default, and those of what it holds."""
    if isinstance(op, str):
        return
    values = {name: getattr(op, name) for name, field in type(op).model_fields.items() if not field.is_required()}
    defaults = {name: type(op).model_fields[name].get_default(call_default_factory=True) for name in values}
    said = [f"{name}={x}" for name, x in values.items() if isinstance(x, bool | str) and x != defaults[name]]
    if said:
        yield (op.kind, op.name, *said)
    for run in op.held():
        yield "holds", op.name
        for inner in run:
            yield from switches(inner)


def parts(graph: fpngraph.Graph) -> Iterator[tuple[str, ...]]:
    """What may come out wrong of a graph that has it: switches, ways that maps go, and how many are joined."""
    levels = {name: it.level for name, it in (*graph.inputs.items(), *graph.nodes.items())}
    given = {entry.level for entry in graph.inputs.values()}
    for node in graph.nodes.values():
        yield "joins", str(min(len(node.edges), 3))
        if node.level not in given:
            yield ("finer than all inputs" if node.level < min(given) else "coarser than an input",)
        for op in (node.fusion, *node.op):
            yield from switches(op)
        for edge in node.edges:
            octaves = levels[edge.source] - node.level
            way = "up" if octaves > 0 else "down" if octaves < 0 else "lateral"
            yield "projects", edge.projection.when, edge.order
            for op in edge.path(levels[edge.source], node.level):
                yield from switches(op)
                yield way, op.kind
                if abs(octaves) > 1:
                    yield way, op.kind, op.name if op.kind == way else "", "by more than 2"
    if len(given) < len(graph.inputs):
        yield ("two inputs of one level",)
    if set(graph.outputs.values()) & set(graph.inputs):
        yield ("an input comes out",)
