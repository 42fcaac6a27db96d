"""How maps lie in memory: torch computes with ``channels_last`` ones faster, callers mostly have contiguous ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fpngraph.layers.named import Named
from fpngraph.layers.tracing import has_storage, is_traced

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
    """The map as it is fastest to compute with. What is not ours to lay out stays as it is."""
    return channels_last(x) if is_ours(x) else x


def outside(x: Tensor, like: Tensor) -> Tensor:
    """The map as the caller, who has given ``like``, lays maps out."""
    if not is_ours(x):
        return x
    return channels_last(x) if is_channels_last(like) else contiguous(x)


def is_ours(x: Tensor) -> bool:
    """Whether ``x`` lies in a CPU's memory, to be laid out here: what is traced is laid out by who runs it."""
    # torch warns where one of its subclasses is asked for its memory
    return x.device.type == "cpu" and not is_traced() and (type(x) is not Tensor or has_storage(x))


def channels_last(x: Tensor) -> Tensor:
    """The map in ``channels_last``, itself if it is already."""
    if x.is_contiguous(memory_format=torch.channels_last):
        return x
    if not _by_hand(x) or not x.is_contiguous():
        return _returning(x).contiguous(memory_format=torch.channels_last)
    y = torch.empty_like(x, memory_format=torch.channels_last)
    for image, result in zip(x, y, strict=True):
        result.permute(1, 2, 0).flatten(0, 1).copy_(image.flatten(1).t())
    return y


def contiguous(x: Tensor) -> Tensor:
    """The map in torch's default layout, itself if it is already."""
    if x.is_contiguous():
        return x
    if not _by_hand(x) or not is_channels_last(x):
        return _returning(x).contiguous()
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    for image, result in zip(x, y, strict=True):
        result.flatten(1).copy_(image.permute(1, 2, 0).flatten(0, 1).t())
    return y


def _by_hand(x: Tensor) -> bool:
    """Whether to transpose image by image: torch has a faster kernel for matrices than for maps."""
    return type(x) is Tensor and not x.requires_grad and is_ours(x)


def _returning(x: Tensor) -> Tensor:
    """``x``, whose gradient will lie as it does: torch's batch norm takes ten times as long where the two differ."""
    if not (x.requires_grad and torch.is_grad_enabled() and is_ours(x)):
        return x
    lay = channels_last if is_channels_last(x) else contiguous

    def back(gradient: Tensor | None) -> Tensor | None:
        return gradient if gradient is None or not is_ours(gradient) else lay(gradient)

    seen = x.view_as(x)  # a hook of the map itself would be there at the caller's next call too
    seen.register_hook(back)  # type: ignore[no-untyped-call]  # torch has no hints for it
    return seen
