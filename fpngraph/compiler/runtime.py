"""What the code of a compiled graph calls: maps taken in and given out, and the sizes of levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, fx

from fpngraph.feature import Size
from fpngraph.layers.layout import outside
from fpngraph.layers.tracing import certain, numbers

Features = Sequence[Tensor] | Mapping[str, Tensor]


def unpack(features: Features, inputs: Mapping[str, tuple[int, int]]) -> tuple[Tensor, ...]:
    """The maps in the order of ``inputs``, name to (level, channels), once they are found to fit."""
    _check_tracing(features)
    wanted = f"the neck takes {', '.join(inputs)}"
    if isinstance(features, Mapping):
        if set(features) != set(inputs):
            raise ValueError(f"features has the maps {', '.join(map(str, features)) or 'none'}, but {wanted}")
        maps = tuple(features[name] for name in inputs)
    elif isinstance(features, Sequence):
        if len(features) != len(inputs):
            raise ValueError(f"features has {len(features)} maps, but {wanted}")
        maps = tuple(features)
    else:
        kind = type(features).__name__
        raise TypeError(f"features is a {kind}, but {wanted}, as a list in this order or a mapping by name")
    _check(inputs, maps)
    return maps


def _check(inputs: Mapping[str, tuple[int, int]], maps: Sequence[object]) -> None:
    """Raises TypeError and ValueError for a map that is none of this input, and for any that do not go together."""
    first: _Given | None = None
    of_level: dict[int, _Given] = {}
    for (name, (level, channels)), x in zip(inputs.items(), maps, strict=True):
        given = _given(name, x, channels)
        first = first or given
        _check_pair(given, first)
        other = of_level.setdefault(level, given)
        if given.size != other.size:
            raise ValueError(
                f"map {name!r} is {_written(given.size)}, but map {other.name!r}, also of level {level}, is "
                f"{_written(other.size)}; maps of one level have one size"
            )
    for fine, coarse in pairwise(of_level[level] for level in sorted(of_level)):
        if any(certain(side > finer) for side, finer in zip(coarse.size, fine.size, strict=True)):
            raise ValueError(
                f"map {coarse.name!r} is {_written(coarse.size)}, but map {fine.name!r}, of a finer level, is "
                f"{_written(fine.size)}; are the maps in another order?"
            )


class _Given(NamedTuple):
    """What an input was given."""

    name: str
    x: Tensor
    batch: int
    size: Size


def _given(name: str, x: object, channels: int) -> _Given:
    wanted = f"a tensor [batch, {channels}, height, width]"
    _check_tracing(x)
    if not isinstance(x, Tensor):
        raise TypeError(f"map {name!r} is a {type(x).__name__}, not {wanted}")
    shape = numbers(x.shape)
    if len(shape) != 4 or shape[1] != channels:
        raise ValueError(f"map {name!r} has the shape {list(shape)}, not {wanted}")
    if not x.is_floating_point():
        raise TypeError(f"map {name!r} is of {x.dtype}, not of a floating-point type")
    if any(certain(side == 0) for side in shape[2:]):
        raise ValueError(f"map {name!r} is {_written(Size(*shape[2:]))}; a map has a pixel or more on each side")
    return _Given(name, x, shape[0], Size(*shape[2:]))


def _check_pair(given: _Given, first: _Given) -> None:
    """A batch of none is one too; types may differ where autocast is at work, which mixes them itself."""
    name, other = f"map {given.name!r}", f"map {first.name!r}"
    x, like = given.x, first.x
    if x.device != like.device:
        raise ValueError(f"{name} is on {x.device}, but {other} on {like.device}; maps of one call are on one device")
    if x.dtype != like.dtype and not torch.is_autocast_enabled(x.device.type):
        raise ValueError(f"{name} is of {x.dtype}, but {other} of {like.dtype}; maps of one call have one type")
    if given.batch != first.batch:
        raise ValueError(
            f"{name} has a batch of {given.batch}, but {other} one of {first.batch}; maps of one call have one batch"
        )


def _check_tracing(x: object) -> None:
    if isinstance(x, fx.Proxy):
        raise TypeError(
            "torch.fx cannot trace into a neck, which looks at the sizes of its maps\n"
            "  hint: trace around it, with a Tracer whose is_leaf_module says True for it; or use torch.export"
        )


def _written(size: Size) -> str:
    return f"{size.height}x{size.width}"


def pack(features: Features, outputs: Mapping[str, Tensor]) -> list[Tensor] | dict[str, Tensor]:
    """The outputs as a list; as a dict by name if the neck was called with a mapping."""
    return dict(outputs) if isinstance(features, Mapping) else list(outputs.values())


def leave(x: Tensor, like: Tensor) -> Tensor:
    """The map as the caller has ``like``: of its type and in its memory format."""
    if x.dtype != like.dtype:
        x = x.to(like.dtype)
    return outside(x, like)


def size_of(x: Tensor) -> Size:
    """Height and width of a map."""
    return Size(x.shape[-2], x.shape[-1])


def coarser(size: Size, levels: int) -> Size:
    """The size so many levels coarser: divided by their ratio, rounded up."""
    # Written as poolings compute theirs, so that torch.export sees that the two are equal.
    ratio = 1 << levels
    return Size((size.height - 1) // ratio + 1, (size.width - 1) // ratio + 1)


def finer(size: Size, levels: int) -> Size:
    """The size so many levels finer, where no input says it."""
    ratio = 1 << levels  # multiplied by, because exporters to ONNX cannot shift a size
    return Size(size.height * ratio, size.width * ratio)
