"""What the blocks of a CSP stage repeat: two or more convolutions that keep the channels, added to their map or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fpngraph.ops.base import Operator
from fpngraph.ops.wiring import Chain, Grown, Residual, Sum, cn, cna, part


def added(lists: Mapping[str, Any], *, shortcut: bool) -> Operator:
    """One list after the other; with ``shortcut`` the map is added to what they give."""
    return Residual(lists=lists) if shortcut else Chain(lists=lists)


def bottleneck(channels: int, kernels: tuple[int, int], hidden: int, *, shortcut: bool) -> Operator:
    """``cv2(cv1(x))`` by way of ``hidden`` channels."""
    return added({"cv1": cna(kernels[0], hidden), "cv2": cna(kernels[1], channels)}, shortcut=shortcut)


def cspnext(channels: int, *, shortcut: bool) -> Operator:
    """A 3x3 convolution, then a separable 5x5 one with a norm and an activation after each part."""
    separable = {"depthwise_conv": cna(5, channels, channels), "pointwise_conv": cna(1, channels)}
    return added({"conv1": cna(3, channels), "conv2": Chain(lists=separable)}, shortcut=shortcut)


def ghost(channels: int, *, shortcut: bool) -> Operator:
    """Two ghost convolutions by way of half of the channels, the second without an activation."""
    lists = {
        "conv1": _ghost_conv(part(channels, 4, "has blocks of") * 2, act=True),
        "conv2": _ghost_conv(channels, act=False),
    }
    return added(lists, shortcut=shortcut)


def _ghost_conv(channels: int, *, act: bool) -> Operator:
    """Half of the channels by ``cv1``, and the other half by a depthwise ``cv2`` of these (arXiv:1911.11907)."""
    half = channels // 2
    layers = cna if act else cn
    return Chain(lists={"cv1": layers(1, half), "joined": Grown(lists={"cv2": layers(5, half, half)})})


def compact_inverted(given: int, channels: int, hidden: int, *, large: bool, shortcut: bool) -> Operator:
    """Depthwise and pointwise convolutions in turn, by way of ``hidden`` channels, which the middle one keeps."""
    middle: Any = _wide_depthwise(hidden) if large else cna(3, hidden, hidden)
    lists = [cna(3, given, given), cna(1, hidden), middle, cna(1, channels), cna(3, channels, channels)]
    return added({f"cv{number}": one for number, one in enumerate(lists, 1)}, shortcut=shortcut)


def _wide_depthwise(channels: int) -> Operator:
    """A depthwise 7x7 convolution and a 3x3 one, added."""
    branches = {"conv": cn(7, channels, channels), "conv1": cn(3, channels, channels)}
    return Chain(lists={"branches": Sum(lists=branches), "act": ["act"]})
