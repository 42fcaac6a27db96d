"""A neck in the detectors of mmdet, mmyolo, mmrotate and whatever else is built by mmengine: ``type='FPNGraph'``.

A configuration imports it: ``custom_imports = dict(imports=['fpngraph.adapters.mmdet'])``. mmengine is all it needs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModule, is_model_wrapper
from mmengine.registry import HOOKS, MODELS
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from fpngraph.adapters.host import HostError, check_order
from fpngraph.compiler.neck import Neck
from fpngraph.errors import listed
from fpngraph.pyramid.plugged import GraphLike, plug

_POOLS = re.compile(r"\b(bbox|mask)_roi_extractor\b")  # others pool from maps of a head


@MODELS.register_module()
class FPNGraph(BaseModule):
    """A neck that is made from a graph, registered at mmengine's root, so that every library on it finds it by name.

    ``graph``, ``outputs``, ``preset``, ``params``, ``folder`` and ``lean`` are those of ``fpngraph.plug``.
    ``in_channels`` are those of all maps that the backbone gives, and ``strides`` theirs; the graph takes what it
    needs. ``out_channels`` (a number, or one per map) and ``num_outs`` are checked only: what the head of the
    configuration expects.
    With ``norm_eval`` batch norms keep their statistics in training.

    Shape: maps [B, C, H, W] with ``in_channels`` to a tuple of maps with ``out_channels``, an output each.
    Raises HostError for arguments that do not go together, GraphError for the graph.

    >>> neck = MODELS.build(dict(type="FPNGraph", graph="bifpn", in_channels=[256, 512, 1024, 2048], num_outs=5))
    >>> neck.out_channels, neck.out_strides
    ((64, 64, 64, 64, 64), (8, 16, 32, 64, 128))
    """

    def __init__(  # noqa: PLR0913  (each says something else)
        self,
        graph: GraphLike,
        in_channels: Sequence[int],
        strides: Sequence[int] = (4, 8, 16, 32),
        *,
        outputs: Sequence[str] | None = None,
        preset: str | None = None,
        params: Mapping[str, Any] | None = None,
        folder: str | os.PathLike[str] | None = None,
        lean: bool = False,
        out_channels: int | Sequence[int] | None = None,
        num_outs: int | None = None,
        norm_eval: bool = False,
        init_cfg: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_order(graph, "mmengine's YAML", always=False)
        maps = _by_stride(in_channels, strides)
        if isinstance(outputs, Mapping):
            raise HostError("outputs is a mapping, but must be a list: the heads take maps in order, not by name")
        self.plugged = plug(graph, maps, outputs=outputs, preset=preset, params=params, folder=folder, lean=lean)
        self.in_channels, self.strides = tuple(in_channels), tuple(strides)
        self.out_channels, self.out_strides = self.plugged.out_channels, self.plugged.out_strides
        self.names = self.plugged.names
        if num_outs not in (None, len(self.names)):
            raise HostError(f"num_outs is {num_outs}, but the graph has {_maps(self.names)}")
        if out_channels is not None:
            _check_widths("out_channels", out_channels, self)
        self.norm_eval = norm_eval
        self._blank = any(parameter.is_meta for parameter in self.parameters())

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        results: tuple[Tensor, ...] = self.plugged(maps)
        return results

    def init_weights(self) -> None:
        """What ``init_cfg`` says, if anything, on the weights that are there: the graph's initial ones, or loaded ones.

        A neck that was allocated on the meta device has none, and is given the graph's first.
        """
        neck = self.plugged.neck
        if self._blank and isinstance(neck, Neck):
            neck.reset_parameters()
        self._blank = False
        super().init_weights()

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if mode and self.norm_eval:
            for part in self.modules():
                if isinstance(part, _BatchNorm):
                    part.eval()
        return self


def check(detector: Any) -> None:
    """Raises HostError unless a detector fits the :class:`FPNGraph` that is its neck, or the last of them.

    It compares channels, strides and number of maps with those of ``bbox_head`` and ``rpn_head``, of all that pools
    regions, and of a transformer. ``in_channels`` and ``strides`` are compared with what the backbone gives, if it runs
    on the meta device, without numbers. mmdet itself finds out only when the first image has passed the neck, or not at
    all.

    >>> check(MODELS.build(config.model))
    """
    necks = _necks(detector)
    if isinstance(necks[0], FPNGraph):
        _check_backbone(detector, necks[0])
    neck = necks[-1]
    if not isinstance(neck, FPNGraph):
        found = f"the neck is of the class {type(neck).__name__}" if neck is not None else "there is no neck"
        raise HostError(f"{found}, but an FPNGraph is required, alone or as the last of a list")
    for name in ("bbox_head", "rpn_head"):
        head = getattr(detector, name, None)
        if head is not None:
            _check_strides(name, _strides(head), neck)
            _check_widths(f"in_channels of {name}", _widths(head), neck)
    levels = getattr(detector, "num_feature_levels", None)  # of a transformer
    if levels is not None:
        if levels != len(neck.names):
            raise HostError(f"num_feature_levels of the detector is {levels}, but the graph has {_maps(neck.names)}")
        _check_widths("embed_dims of the detector", detector.embed_dims, neck)
    for name, part in detector.named_modules():
        if _POOLS.search(name) and hasattr(part, "roi_layers"):
            pooled = len(part.featmap_strides)
            _check_strides(name, part.featmap_strides, neck, first=pooled)
            _check_widths(f"out_channels of {name}", part.out_channels, neck, first=pooled)


@HOOKS.register_module()
class CheckFPNGraph(Hook):
    """``custom_hooks = [dict(type='CheckFPNGraph')]``: :func:`check` before a Runner's first image."""

    def before_run(self, runner: Any) -> None:
        check(runner.model.module if is_model_wrapper(runner.model) else runner.model)


def _by_stride(in_channels: Sequence[int], strides: Sequence[int]) -> list[tuple[int, int]]:
    for name, numbers in (("in_channels", in_channels), ("strides", strides)):
        if not isinstance(numbers, Sequence):
            raise HostError(f"{name} is {numbers!r}, but must have a number for every map of the backbone")
    if len(in_channels) != len(strides):
        raise HostError(
            f"in_channels has {len(in_channels)} entries, but strides has {len(strides)}: {listed(strides)}\n"
            "  hint: give both for every map of the backbone, such as strides=(8, 16, 32)"
        )
    return list(zip(strides, in_channels, strict=True))


def _necks(detector: nn.Module) -> list[nn.Module | None]:
    neck = getattr(detector, "neck", None)
    return [*neck] if isinstance(neck, nn.Sequential) else [neck]


def _check_backbone(detector: Any, neck: FPNGraph) -> None:
    side = 4 * max(neck.strides)
    shapes = _shapes(detector.backbone, side)
    for name, said, found in (
        ("in_channels", neck.in_channels, [channels for channels, *_ in shapes]),
        ("strides", neck.strides, [side // width for *_, width in shapes]),
    ):
        if found and said != tuple(found):
            raise HostError(f"{name} of the neck is {listed(said)}, but the backbone gives maps with {listed(found)}")


def _shapes(backbone: nn.Module, side: int) -> list[tuple[int, ...]]:
    """Channels, height and width of what it gives for a square image; none where it does not run on the meta device.

    Its own parameters and buffers are not touched, whatever mode it is in.
    """
    own = [*backbone.named_parameters(), *backbone.named_buffers()]
    image = torch.empty(1, 3, side, side, device="meta")
    try:
        with torch.no_grad():
            maps = functional_call(backbone, {name: tensor.to("meta") for name, tensor in own}, (image,))
    except Exception:  # operators that need numbers, images of one size alone, norms over several GPUs, and so on
        return []
    return [tuple(x.shape[1:]) for x in maps]


def _strides(head: Any) -> Sequence[int] | None:
    priors = getattr(head, "prior_generator", None)
    if priors is None:  # a head without anchors and points
        return None
    return [max(it) if isinstance(it, Iterable) else it for it in priors.strides]


def _widths(head: Any) -> int | Sequence[int] | None:
    widths: int | Sequence[int] | None = getattr(getattr(head, "head_module", head), "in_channels", None)
    return widths


def _check_strides(place: str, strides: Sequence[int] | None, neck: FPNGraph, first: int | None = None) -> None:
    """``first``: how many of the neck's maps are read, where that is not all."""
    given = neck.out_strides[:first]
    if strides is not None and tuple(strides) != given:
        raise HostError(
            f"{place} is for maps of the strides {listed(strides)}, but the neck gives {listed(neck.out_strides)}: "
            f"{', '.join(neck.names)}"
        )


def _check_widths(place: str, widths: int | Sequence[int] | None, neck: FPNGraph, first: int | None = None) -> None:
    given = neck.out_channels[:first]
    if widths is None:
        return
    wanted = (widths,) * len(given) if isinstance(widths, int) else tuple(widths)
    if wanted != given:
        said = widths if isinstance(widths, int) else listed(wanted)
        found = given[0] if len(set(given)) == 1 and isinstance(widths, int) else listed(given)
        raise HostError(
            f"{place} is {said}, but the maps of the neck have {found} channels: {', '.join(neck.names[:first])}"
        )


def _maps(names: Sequence[str]) -> str:
    return f"{len(names)} output{'s' if len(names) > 1 else ''}: {', '.join(names)}"
