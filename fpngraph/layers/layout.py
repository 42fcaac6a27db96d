"""How maps lie in memory: torch computes with ``channels_last`` ones faster, callers mostly have contiguous ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fpngraph.layers.named import Named
from fpngraph.layers.tracing import is_traced

_MARK = "fpngraph_layout"
_TORCHS = (nn.Identity, nn.Conv2d, nn.BatchNorm2d, nn.SyncBatchNorm, nn.GroupNorm)
"""Exact classes that take maps in any layout, and that hosts put in the place of what was built."""


def let_any(module: nn.Module) -> None:
    """Have ``module`` called with maps in any layout. It says so itself, so that edits, copies and pickles keep it."""
    vars(module)[_MARK] = "any"  # a third of the time of what a module does when an attribute is set


def takes_any(module: nn.Module) -> bool:
    """Whether ``module`` takes maps in any layout: one that nobody knows gets contiguous ones."""
    return getattr(module, _MARK, None) == "any" or type(module) in (*_TORCHS, Layers)


def run(layer: nn.Module, x: Tensor) -> Tensor:
    """What ``layer`` gives for ``x``, laid out as it takes maps."""
    y: Tensor = layer(x) if takes_any(layer) else inside(layer(contiguous(x)))
    return y


class Layers(Named):
    """Layers one after the other. Each gets the map as it takes maps, whoever has put it there."""

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = run(layer, x)
        return x


def is_channels_last(x: Tensor) -> bool:
    """Whether ``x`` lies pixel by pixel; a map of one channel or one pixel counts as contiguous."""
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def inside(x: Tensor) -> Tensor:
    """The map as it is fastest to compute with. What is traced is laid out by who runs it."""
    return x if x.device.type != "cpu" or is_traced() else channels_last(x)


def outside(x: Tensor, like: Tensor) -> Tensor:
    """The map as the caller, who has given ``like``, lays maps out."""
    if x.device.type != "cpu" or is_traced():
        return x
    return channels_last(x) if is_channels_last(like) else contiguous(x)


def channels_last(x: Tensor) -> Tensor:
    """The map in ``channels_last``, itself if it is already."""
    if x.is_contiguous(memory_format=torch.channels_last):
        return x
    if not _by_hand(x) or not x.is_contiguous():
        return x.contiguous(memory_format=torch.channels_last)
    y = torch.empty_like(x, memory_format=torch.channels_last)
    for image, result in zip(x, y, strict=True):
        result.permute(1, 2, 0).flatten(0, 1).copy_(image.flatten(1).t())
    return y


def contiguous(x: Tensor) -> Tensor:
    """The map in torch's default layout, itself if it is already."""
    if not _by_hand(x) or not is_channels_last(x):
        return x.contiguous()
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    for image, result in zip(x, y, strict=True):
        result.flatten(1).copy_(image.permute(1, 2, 0).flatten(0, 1).t())
    return y


def _by_hand(x: Tensor) -> bool:
    """Whether to transpose image by image: torch has a faster kernel for matrices than for maps."""
    return type(x) is Tensor and x.device.type == "cpu" and not (x.requires_grad or is_traced())
