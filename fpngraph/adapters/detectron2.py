"""A neck in the detectors of detectron2: ``FPNGraph`` around a backbone, built from a yacs or a lazy configuration.

A yacs configuration is told of its keys by :func:`add_fpngraph_config` and names the builder that is registered here;
a lazy one calls the class. detectron2 is all that it needs, with or without its compiled operators.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from detectron2.config import CfgNode
from detectron2.layers import ShapeSpec
from detectron2.modeling import BACKBONE_REGISTRY, Backbone, build_resnet_backbone
from detectron2.modeling.poolers import ROIPooler
from torch import Tensor, nn

from fpngraph.adapters.host import HostError, check_order
from fpngraph.errors import listed
from fpngraph.pyramid.plugged import GraphLike, plug


class FPNGraph(Backbone):
    """A backbone of detectron2, ``bottom_up``, and the neck that a graph makes behind it.

    ``graph``, ``preset``, ``params`` and ``folder`` are those of ``fpngraph.plug``. ``in_features`` are the maps of
    ``bottom_up`` that the graph may take, by default all. ``outputs`` are the outputs that the detector reads, by our
    names, or by detectron2's to ours; the graph is cut down to them. detectron2's names are ``p3`` for the map of
    stride 8 and so on. The neck takes images of any size; ``size_divisibility`` is for heads that do not.

    Shape: image [B, 3, H, W] to a dict of maps [B, C, H', W'].
    Raises HostError for what does not go together, GraphError for the graph.

    >>> backbone = FPNGraph(bottom_up, "bifpn", params={"channels": 64})
    >>> backbone.output_shape()["p3"]
    ShapeSpec(channels=64, height=None, width=None, stride=8)
    """

    def __init__(  # noqa: PLR0913  (each says something else)
        self,
        bottom_up: Backbone,
        graph: GraphLike,
        *,
        in_features: Sequence[str] | None = None,
        outputs: Sequence[str] | Mapping[str, str] | None = None,
        preset: str | None = None,
        params: Mapping[str, Any] | None = None,
        folder: str | os.PathLike[str] | None = None,
        lean: bool = False,
        size_divisibility: int = 0,
    ) -> None:
        super().__init__()
        check_order(graph, "detectron2", always=True)
        shapes = bottom_up.output_shape()
        have = [(shapes[name].stride, (name, shapes[name].channels)) for name in _chosen(in_features, shapes)]
        ours = list(outputs.values()) if isinstance(outputs, Mapping) else outputs
        self.bottom_up = bottom_up
        self.plugged = plug(graph, have, outputs=ours, preset=preset, params=params, folder=folder, lean=lean)
        strides = self.plugged.out_strides
        self.names = tuple(outputs) if isinstance(outputs, Mapping) else _names(strides, self.plugged.names)
        self._size_divisibility = size_divisibility

    @property
    def size_divisibility(self) -> int:
        return self._size_divisibility

    def output_shape(self) -> dict[str, ShapeSpec]:
        """By detectron2's names the channels and strides of the maps. Another name is a HostError, not a KeyError."""
        both = zip(self.plugged.out_channels, self.plugged.out_strides, strict=True)
        shapes = (ShapeSpec(channels=channels, stride=stride) for channels, stride in both)
        return _Shapes(zip(self.names, shapes, strict=True))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.names, self.plugged(self.bottom_up(image)), strict=True))


class _Shapes(dict[str, ShapeSpec]):
    """What heads are built from; they look up the names that the configuration gives them."""

    def __missing__(self, name: str) -> ShapeSpec:
        raise HostError(
            f"the detector reads {name!r}, but the maps of the neck are {', '.join(self)}\n"
            "  hint: say these in the IN_FEATURES of the head, with as many sizes of anchors"
        )


def add_fpngraph_config(cfg: CfgNode) -> None:
    """Add the keys ``MODEL.FPNGRAPH``: ``GRAPH`` (name, path or text), ``PRESET``, ``PARAMS``, ``OUTPUTS``,
    ``IN_FEATURES``, ``LEAN`` and ``SIZE_DIVISIBILITY``, as :class:`FPNGraph` has them.

    >>> cfg = get_cfg()
    >>> add_fpngraph_config(cfg)
    >>> cfg.merge_from_file("retinanet_bifpn.yaml")
    """
    ours = cfg.MODEL.FPNGRAPH = CfgNode()
    ours.GRAPH = ""
    ours.PRESET = ""
    ours.PARAMS = CfgNode(new_allowed=True)
    ours.OUTPUTS = []
    ours.IN_FEATURES = []
    ours.LEAN = False
    ours.SIZE_DIVISIBILITY = 0


@BACKBONE_REGISTRY.register()
def build_resnet_fpngraph_backbone(cfg: CfgNode, input_shape: ShapeSpec) -> FPNGraph:
    """detectron2's ResNet as ``MODEL.RESNETS`` says, and a neck as ``MODEL.FPNGRAPH`` says."""
    return build_fpngraph(cfg, build_resnet_backbone(cfg, input_shape))


def build_fpngraph(cfg: CfgNode, bottom_up: Backbone) -> FPNGraph:
    """A neck as ``MODEL.FPNGRAPH`` says, behind any backbone: what a builder of your own returns.

    Raises HostError for a configuration without these keys, or without a graph.
    """
    ours = cfg.MODEL.get("FPNGRAPH")
    if ours is None:
        raise HostError("the configuration has no MODEL.FPNGRAPH\n  hint: call add_fpngraph_config(cfg) first")
    if not ours.GRAPH:
        raise HostError("MODEL.FPNGRAPH.GRAPH is empty, but must be the name, path or text of a graph")
    return FPNGraph(
        bottom_up,
        ours.GRAPH,
        in_features=ours.IN_FEATURES or None,
        outputs=ours.OUTPUTS or None,
        preset=ours.PRESET or None,
        params=ours.PARAMS,
        lean=ours.LEAN,
        size_divisibility=ours.SIZE_DIVISIBILITY,
    )


def check(detector: nn.Module) -> None:
    """Raises HostError unless the heads of a detector fit the :class:`FPNGraph` that is its backbone.

    It compares what they read with the names of the maps, and the strides of anchors and poolings and the channels of
    heads with those of what they read. Heads of a lazy configuration repeat all these by hand, and detectron2 finds out
    only when the first image has passed the backbone, or not at all.

    >>> check(instantiate(cfg.model))
    """
    backbone = getattr(detector, "backbone", None)
    if not isinstance(backbone, FPNGraph):
        raise HostError(f"the backbone is a {type(backbone).__name__}, but an FPNGraph is required")
    shapes = backbone.output_shape()
    parts = [(name, part) for name, part in detector.named_modules() if not f"{name}.".startswith("backbone.")]
    for place, part in parts:
        for what, names in _read(part):
            if unknown := [name for name in names if name not in shapes]:
                found = ", ".join(map(repr, unknown))
                raise HostError(f"{_joined(place, what)} reads {found}, but the maps of the neck are {listed(shapes)}")
            _check_part(place, part, what.removesuffix("in_features"), [shapes[name] for name in names])


def _read(part: nn.Module) -> Iterator[tuple[str, Sequence[str]]]:
    """The attributes of a part that name maps, and the names."""
    for what, names in vars(part).items():
        if what.endswith("in_features") and isinstance(names, Sequence) and not isinstance(names, str):
            yield what, names


def _check_part(place: str, part: nn.Module, kind: str, read: Sequence[ShapeSpec]) -> None:
    """``kind`` is that of the attribute: ``box_`` of ``box_in_features``, ``head_`` of a head for all."""
    strides = [shape.stride for shape in read]
    anchors = getattr(part, "anchor_generator", None)
    if anchors is not None and list(getattr(anchors, "strides", strides)) != strides:
        _refuse_strides(_joined(place, "anchor_generator"), anchors.strides, strides)
    pooler = getattr(part, f"{kind}pooler", None)
    if isinstance(pooler, ROIPooler):
        scales = [round(1 / it.spatial_scale) for it in pooler.level_poolers]
        if scales != strides:
            _refuse_strides(_joined(place, f"{kind}pooler"), scales, strides)
    for name in (f"{kind}head", kind.rstrip("_"), "rpn_head"):
        head = getattr(part, name, None)
        if isinstance(head, nn.Module):
            _check_width(_joined(place, name), head, pooler, [shape.channels for shape in read])


def _check_width(place: str, head: nn.Module, pooler: object, channels: Sequence[int]) -> None:
    first = next((it for it in head.modules() if isinstance(it, nn.Conv2d | nn.Linear)), None)
    if isinstance(first, nn.Linear) and isinstance(pooler, ROIPooler):
        height, width = pooler.output_size
        wanted = first.in_features // (height * width)
    elif isinstance(first, nn.Conv2d):
        wanted = first.in_channels
    else:
        return
    if set(channels) != {wanted}:
        raise HostError(f"{place} is for maps of {wanted} channels, but those that it reads have {listed(channels)}")


def _refuse_strides(place: str, wanted: Iterable[int], strides: Iterable[int]) -> None:
    raise HostError(f"{place} is for the strides {listed(wanted)}, but what it reads has {listed(strides)}")


def _chosen(in_features: Sequence[str] | None, shapes: Mapping[str, ShapeSpec]) -> Sequence[str]:
    if in_features is None:
        return list(shapes)
    if unknown := [name for name in in_features if name not in shapes]:
        raise HostError(f"in_features has {', '.join(map(repr, unknown))}, but bottom_up gives {listed(shapes)}")
    return in_features


def _names(strides: Sequence[int], ours: Sequence[str]) -> tuple[str, ...]:
    twice = [stride for stride, number in Counter(strides).items() if number > 1]
    if twice:
        both = ", ".join(name for name, stride in zip(ours, strides, strict=True) if stride == twice[0])
        raise HostError(
            f"the graph has several outputs of stride {twice[0]}: {both}\n"
            f"  hint: name those that the detector reads, such as outputs={{'p{twice[0].bit_length() - 1}': ...}}"
        )
    return tuple(f"p{stride.bit_length() - 1}" for stride in strides)


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
