"""Weights of effdet's feature pyramids for the same pyramids built from a graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from fpngraph.analysis.shapes import Lowered, lower
from fpngraph.analysis.steps import NodeSteps
from fpngraph.ops import Norm
from fpngraph.ops.steps import Step
from fpngraph.weights.state import translate

if TYPE_CHECKING:
    from torch import Tensor

    from fpngraph.compiler.neck import Neck

PARTS = {"conv": {"": "conv"}, "separable_conv": {"depthwise.": "conv_dw", "pointwise.": "conv_pw"}}
"""An operator's name to its parts and what effdet calls them."""


def neck_state_from_effdet(state: Mapping[str, Tensor], neck: Neck) -> dict[str, Tensor]:
    """The state dict of ``neck`` with the tensors of effdet's state dict of the same neck.

    Raises StateError if a tensor of either side has not exactly one counterpart of equal shape on the other.
    """
    what = f"the weights of effdet's neck do not fit graph {neck.source_graph.name!r}"
    return translate(state, neck.state_dict(), effdet_neck_names(neck), what)


def effdet_neck_names(neck: Neck) -> dict[str, str]:
    """The names in the state dict of ``neck`` with those of the same tensors in effdet, as far as it has them.

    effdet numbers the maps of a cell: first the inputs of the cell, finest first, then its nodes as they are
    computed. ``neck`` has to compute them in this order: levels that the backbone lacks in a stage without
    ``repeat``, cells as the runs of a stage with ``repeat``, and a cell's results as its last nodes.
    """
    return dict(_counterparts(lower(neck.source_graph, neck.in_channels), neck.state_dict()))


def _counterparts(lowered: Lowered, wanted: Iterable[str]) -> Iterator[tuple[str, str]]:
    known = dict(_prefixes(lowered))
    for name in wanted:
        if name in known:
            yield name, known[name]
        else:
            module, dot, tensor = name.rpartition(".")
            if module + dot in known:
                yield name, known[module + dot] + tensor


def _prefixes(lowered: Lowered) -> Iterator[tuple[str, str]]:
    """What the names of a module's tensors begin with, ours and effdet's; of a fusion's weights the whole names."""
    cell_inputs = list(lowered.inputs)
    for run, group in groupby(lowered.nodes.values(), key=lambda steps: steps.node.run):
        nodes = list(group)
        if run is None:
            for steps in nodes:
                if len(steps.edges) == 1:
                    yield from _edge_prefixes(steps, 0, f"resample.{len(cell_inputs)}.")
                cell_inputs.append(steps.node.name)
        else:
            yield from _cell_prefixes(nodes, cell_inputs, f"cell.{run}.fnode.")
            cell_inputs = [steps.node.name for steps in nodes][-len(cell_inputs) :]


def _cell_prefixes(nodes: Sequence[NodeSteps], inputs: Sequence[str], cell: str) -> Iterator[tuple[str, str]]:
    offsets = {name: offset for offset, name in enumerate([*inputs, *(steps.node.name for steps in nodes)])}
    for number, steps in enumerate(nodes):
        node, fnode = steps.node.name, f"{cell}{number}."
        for index, edge in enumerate(steps.edges):
            if edge.edge.source in offsets:
                resample = f"{fnode}combine.resample.{offsets[edge.edge.source]}."
                yield from _edge_prefixes(steps, index, resample)
        yield f"{node}.fusion.weight", f"{fnode}combine.edge_weights"
        yield from _step_prefixes(steps.op, f"{node}.op.", f"{fnode}after_combine.")


def _edge_prefixes(steps: NodeSteps, index: int, resample: str) -> Iterator[tuple[str, str]]:
    edge = steps.edges[index]
    return _step_prefixes(edge.steps, f"{steps.node.name}.edges.{edge.key}.", resample)


def _step_prefixes(steps: Sequence[Step], ours: str, effdet: str) -> Iterator[tuple[str, str]]:
    for step in steps:
        parts = {"": "bn"} if isinstance(step.op, Norm) else PARTS.get(step.op.name, {})
        for part, name in parts.items():
            yield f"{ours}{step.key}.{part}", f"{effdet}conv.{name}."
