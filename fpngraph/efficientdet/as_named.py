"""Whether effdet's model of a configuration's name has the neck of a detector, or another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch import Tensor

from fpngraph.analysis.shapes import Lowered, lower
from fpngraph.compiler.builder import build
from fpngraph.compiler.neck import Neck
from fpngraph.efficientdet.config import change, config, names
from fpngraph.efficientdet.model import EfficientDet
from fpngraph.efficientdet.neck_weights import effdet_neck_names
from fpngraph.graph.graph import Graph
from fpngraph.library import describe
from fpngraph.ops.conv import has_bias
from fpngraph.ops.steps import Step
from fpngraph.weights.state import differences, listed


def unlike_named(model: EfficientDet) -> Iterator[str]:
    """How the neck differs from that of effdet's model of the same name, with as many channels and cells; a line each.

    Nothing is said where effdet has no such name.
    """
    if model.config.name not in names():
        return
    ours, graph = model.neck.source_graph, _of_name(model)
    channels = {entry.level: model.neck.in_channels[name] for name, entry in ours.inputs.items()}
    levels = {entry.level for entry in graph.inputs.values()}
    if channels.keys() != levels:
        yield f"it takes maps of the levels {sorted(channels)}, not {sorted(levels)}"
        return
    named = build(graph, {name: channels[entry.level] for name, entry in graph.inputs.items()}, init=False)
    tensors = list(differences(_state(model.neck), _state(named.to_empty(device="cpu"))))
    yield from tensors or _other_nodes(model.neck, named)


def _of_name(model: EfficientDet) -> Graph:
    """The graph of effdet's model, as wide and deep as the neck is."""
    nodes = model.neck.source_graph.nodes.values()
    graph = config(model.config.name).graph
    assert isinstance(graph, str)  # those of effdet's names come with the package
    size = {
        "channels": next(iter(model.neck.out_channels.values())),
        "repeats": max(1, len({node.run for node in nodes if node.run is not None})),
    }
    params = {name: value for name, value in size.items() if name in describe(graph).params}
    return change(model.config, graph=graph, match=None, params=params).load_graph()


def _state(neck: Neck) -> dict[str, Tensor]:
    """By effdet's names."""
    known = effdet_neck_names(neck)
    return {f"fpn.{known[name]}": tensor for name, tensor in neck.state_dict().items()}


def _other_nodes(ours: Neck, theirs: Neck) -> Iterator[str]:
    """The nodes of ours that compute something else, where all tensors are alike."""
    found, wanted = (_computed(lower(neck.source_graph, neck.in_channels)) for neck in (ours, theirs))
    others = [name for (name, does), (_, as_theirs) in zip(found, wanted, strict=False) if does != as_theirs]
    yield from listed("of its nodes compute something else", [repr(name) for name in others])
    if len(found) != len(wanted):
        yield f"it has {len(found)} nodes, not {len(wanted)}"


def _computed(lowered: Lowered) -> list[tuple[str, Any]]:
    """Each node with what it does, without names: the places of its sources, and its operators."""
    inputs = sorted(lowered.inputs, key=lambda name: lowered.inputs[name].level)
    places = {name: place for place, name in enumerate([*inputs, *lowered.nodes])}
    found = []
    for name, steps in lowered.nodes.items():
        edges = [(places[edge.edge.source], _done(edge.steps)) for edge in steps.edges]
        found.append((name, (edges, _done([steps.fusion]), _done(steps.op))))
    return found


def _done(steps: Iterable[Step]) -> list[Any]:
    """Operators with the settings that they have at their places."""
    found = []
    for step in steps:
        settings = step.op.model_dump()
        if "bias" in settings:
            settings["bias"] = has_bias(settings["bias"], step.site)
        found.append((step.op.name, settings, step.inputs, step.site.ratio, step.site.padding))
    return found
