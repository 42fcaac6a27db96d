"""A neck of ours in effdet's detectors, which train in effdet's benches, and their checkpoints both ways.

In a detector that has one, the neck's tensors are called ``fpn.neck.`` and then as in its graph.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
from effdet import EfficientDet, unwrap_bench  # type: ignore[import-untyped]  # effdet has no hints
from torch import Tensor

from fpngraph.adapters.host import HostError
from fpngraph.compiler.neck import Neck
from fpngraph.efficientdet.checkpoint import read_checkpoint
from fpngraph.efficientdet.host import graph_of, parameters
from fpngraph.efficientdet.neck_weights import effdet_neck_names, neck_state_from_effdet
from fpngraph.errors import listed
from fpngraph.graph.graph import Graph
from fpngraph.library import describe, shipped
from fpngraph.pyramid.plugged import GraphLike, Plugged, plug
from fpngraph.weights.state import StateError, ambiguous, differences, refuse

_THEIRS, _OURS = "fpn.", "fpn.neck."


def replace_neck(
    model: Any,
    graph: GraphLike | None = None,
    *,
    preset: str | None = None,
    params: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Plugged:
    """Put a neck in the place of effdet's; the neck, on the same device, in the same mode and of the same type.

    ``model`` is effdet's, or a bench with one. Without a ``graph`` it is that of the model's configuration, with the
    weights that the model has. ``graph``, ``preset``, ``params`` and ``folder`` are those of ``fpngraph.plug``; the
    name of a shipped graph is scaled as the configuration says, as far as it has such parameters, and ``params`` are
    set over that.
    Raises HostError where the heads need other maps than the graph gives, GraphError for the graph.

    >>> model = effdet.create_model("efficientdet_d0", pretrained_backbone=False)
    >>> replace_neck(model).out_strides
    (8, 16, 32, 64, 128)
    """
    detector = _detector(model)
    config, theirs = detector.config, detector.fpn
    info = detector.backbone.feature_info
    maps = dict(zip(info.reduction(), info.channels(), strict=True))
    if graph is None:
        neck = plug(graph_of(config), maps)
        neck.to(next(theirs.parameters()))  # before the weights come, which would else be rounded
        neck.neck.load_state_dict(_from_theirs(detector.state_dict(), _neck(neck)))
    else:
        scaled = _scaled(graph, config) if preset is None else {}
        neck = plug(graph, maps, preset=preset, params=scaled | dict(params or {}), folder=folder)
        _check(neck, config)
        neck.to(next(theirs.parameters()))
    detector.fpn = neck.train(theirs.training)
    return neck


def load(model: Any, source: str | os.PathLike[str] | Mapping[str, Any], *, ema: bool | None = None) -> None:
    """Load a checkpoint into a model of effdet's that has a neck of ours: every tensor of both, or nothing.

    ``source`` and ``ema`` are those of ``fpngraph.efficientdet.load_effdet``: a file or what one holds, of such a
    model, or of one with effdet's own neck where the graph is that. Raises OSError and StateError as that does.
    """
    detector = _detector(model)
    neck = _neck(detector.fpn)
    state = read_checkpoint(source, ema=ema)
    if not any(name.startswith(_OURS) for name in state):
        ours = {f"{_OURS}{name}": tensor for name, tensor in _from_theirs(state, neck).items()}
        state = {name: tensor for name, tensor in state.items() if not name.startswith(_THEIRS)} | ours
    refuse("the checkpoint does not fit the model", differences(state, detector.state_dict()))
    detector.load_state_dict(state)


def own_state(model: Any) -> dict[str, Tensor]:
    """The state dict of the same model with effdet's own neck, with the tensors of this one, not copies.

    Raises StateError where the graph is no neck of effdet's.
    """
    detector = _detector(model)
    neck = _neck(detector.fpn)
    names, ours = effdet_neck_names(neck), neck.state_dict()
    refuse(f"effdet has no neck like graph {neck.source_graph.name!r}", ambiguous(ours, names))
    state = {name: tensor for name, tensor in detector.state_dict().items() if not name.startswith(_THEIRS)}
    return state | {f"{_THEIRS}{names[name]}": tensor for name, tensor in ours.items()}


def _detector(model: Any) -> Any:
    found = unwrap_bench(model) if isinstance(model, torch.nn.Module) else model
    if not isinstance(found, EfficientDet):
        raise HostError(
            f"model is a {type(found).__name__}, but must be an EfficientDet of effdet, or a bench with one"
        )
    return found


def _neck(fpn: Any) -> Neck:
    if not isinstance(fpn, Plugged) or not isinstance(fpn.neck, Neck):
        raise HostError(f"the neck is a {type(fpn).__name__}, but must be one that 'replace_neck' has put there")
    return fpn.neck


def _from_theirs(state: Mapping[str, Tensor], neck: Neck) -> dict[str, Tensor]:
    own = {name.removeprefix(_THEIRS): tensor for name, tensor in state.items() if name.startswith(_THEIRS)}
    if not own:
        raise StateError(f"the checkpoint has no tensors {_THEIRS!r}, of a neck")
    return neck_state_from_effdet(own, neck)


def _scaled(graph: GraphLike, config: Any) -> dict[str, Any]:
    """What the configuration says of the parameters that a shipped graph has."""
    if isinstance(graph, Graph | Mapping) or str(graph) not in shipped():
        return {}
    known = describe(str(graph)).params
    return {name: value for name, value in parameters(config).items() if name in known}


def _check(neck: Plugged, config: Any) -> None:
    """The heads share convolutions, and anchors are for certain strides."""
    strides = tuple(1 << level for level in range(config.min_level, config.max_level + 1))
    if neck.out_strides != strides:
        raise HostError(
            f"the graph gives maps of the strides {listed(neck.out_strides)}, but the anchors are for "
            f"{listed(strides)}\n  hint: 'min_level' and 'max_level' of effdet's configuration say which"
        )
    if set(neck.out_channels) != {config.fpn_channels}:
        raise HostError(
            f"the maps have {listed(neck.out_channels)} channels, but the heads take {config.fpn_channels} each"
            "\n  hint: 'fpn_channels' of effdet's configuration says how many"
        )
