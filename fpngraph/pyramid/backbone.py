"""Backbones of timm, by the levels that a graph takes: which feature maps they have, and these from an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

import timm
import torch
from timm.models import group_parameters
from torch import Tensor, nn

from fpngraph.errors import Refusal, listed
from fpngraph.library import load, shipped


class BackboneError(Refusal, ValueError):
    """A backbone does not exist, or does not have the levels asked for."""


class _Tap(NamedTuple):
    """A place in a model where it gives a feature map."""

    position: int
    stride: int
    channels: int


def create_backbone(
    name: str,
    levels: Sequence[int],
    *,
    out_indices: Sequence[int] | None = None,
    pretrained: bool = False,
    in_chans: int = 3,
    **timm_arguments: Any,
) -> nn.Module:
    """The timm model ``name`` cut down to what gives one feature map per level, for :func:`feature_maps`.

    ``levels`` ascend. A map is chosen by its stride, 2^level, never by its place in the model; of several the last one.
    ``out_indices`` chooses by places in timm's order instead, one per level; their strides are those of the levels.
    What it returns is timm's own module, so that its state dict has timm's keys.
    Raises BackboneError for a name, an argument or a level that does not exist.
    """
    taps = _taps(name, in_chans=in_chans, **timm_arguments)
    if out_indices is None:
        by_level = _by_level(name, taps, levels)
        positions = [by_level[level].position for level in levels]
    else:
        positions = _checked(name, taps, levels, out_indices)
    if positions != sorted(set(positions)):
        message = f"the maps {listed(positions)} of model {name!r} do not ascend"
        raise BackboneError(f"{message}\n  hint: {_way_out(taps, levels)}")
    return _made(name, positions, pretrained=pretrained, in_chans=in_chans, **timm_arguments)


def _way_out(taps: Sequence[_Tap], levels: Sequence[int]) -> str:
    """What to do about a choice of maps that has one twice, or in another order."""
    strides = Counter(tap.stride for tap in taps)
    for level, inputs in Counter(levels).items():
        maps = strides[1 << level]
        if maps < inputs:
            have = f"it has {maps or 'no'} map{'s' * (maps != 1)} of stride {1 << level}, and the graph takes {inputs}"
            return f"{have}: make the maps by hand, for the neck of fpngraph.build"
    return "choose one for each input by 'out_indices', in ascending order"


def backbone_channels(name: str, levels: Iterable[int]) -> dict[int, int]:
    """Channels of the last feature map of each level, of the timm model ``name``; no weights are loaded.

    Raises BackboneError for a name or a level that does not exist.
    """
    return {level: tap.channels for level, tap in _by_level(name, _taps(name), tuple(levels)).items()}


def map_channels(backbone: nn.Module) -> list[int]:
    """Channels of the maps that :func:`feature_maps` gives, finest first."""
    info: Any = backbone.feature_info
    return list(info.channels())


def feature_maps(backbone: nn.Module, image: Tensor) -> list[Tensor]:
    """The maps of a backbone that :func:`create_backbone` made, finest first.

    Shape: [B, in_chans, H, W] to maps [B, C, H', W'], whatever order of dimensions the model works in.
    """
    maps: list[Tensor] = backbone(image)
    if getattr(backbone, "output_fmt", "NCHW") == "NHWC":
        return [x.permute(0, 3, 1, 2) for x in maps]
    return maps


def layer_matcher(backbone: nn.Module, name: str, *, coarse: bool, **timm_arguments: Any) -> Callable[[str], float]:
    """For timm's layer decay of a module with ``backbone``, cut from the timm model ``name``.

    What it gives numbers parameters by layer: the backbone's as timm does in the whole model, all others after them.
    Raises BackboneError for a model of which timm knows no layers, or has cut into parameters of other names.
    """
    with torch.device("meta"):
        whole: Any = timm.create_model(name, **timm_arguments)
    if not hasattr(whole, "group_matcher"):
        raise BackboneError(f"timm knows no layers of model {name!r}\n  hint: make groups of parameters by hand")
    layers: dict[str, int] = group_parameters(whole, whole.group_matcher(coarse=coarse), reverse=True)
    numbers: dict[str, float] = {}
    for own, _ in backbone.named_parameters():
        known = next((layers[other] for other in _names_in_whole(own) if other in layers), None)
        if known is None:
            raise BackboneError(f"parameter {own!r} is in no layer that timm knows of model {name!r}")
        numbers[f"backbone.{own}"] = known
    return lambda parameter: numbers.get(parameter, float("inf"))


def _names_in_whole(name: str) -> Iterator[str]:
    """What a parameter may be called in the model that timm has cut: it holds that, or flattens its upper modules."""
    yield name
    yield name.removeprefix("model.")
    module = name.partition(".")[0]
    for place, character in enumerate(module):
        if character == "_":
            yield f"{name[:place]}.{name[place + 1 :]}"


def _taps(name: str, **timm_arguments: Any) -> list[_Tap]:
    """Every tap of a model, from a copy without weights. Raises BackboneError for a name or an argument."""
    if not timm.is_model(name):
        close = get_close_matches(name, timm.list_models(), n=5)
        hint = f"did you mean {', '.join(map(repr, close))}?" if close else "timm.list_models() has all names"
        raise BackboneError(f"timm has no model named {name!r}\n  hint: {hint}")
    last = [-1]  # up to the last map, so that nothing is cut off
    try:
        with torch.device("meta"):
            model: Any = _made(name, last, **timm_arguments)
    except BackboneError:  # some models of some versions of timm ask for the values of what they start with
        with torch.random.fork_rng([]):
            model = _made(name, last, **timm_arguments)
    info = model.feature_info.info
    return [_Tap(position, tap["reduction"], tap["num_chs"]) for position, tap in enumerate(info)]


def _made(name: str, positions: Sequence[int], **arguments: Any) -> nn.Module:
    try:
        model: nn.Module = timm.create_model(name, features_only=True, out_indices=tuple(positions), **arguments)
    except (RuntimeError, AttributeError, AssertionError, TypeError, ValueError, LookupError) as error:
        raise BackboneError(f"timm makes no feature maps of model {name!r}: {error}") from error
    return model


def _by_level(name: str, taps: Sequence[_Tap], levels: Sequence[int]) -> dict[int, _Tap]:
    by_stride = {tap.stride: tap for tap in taps}
    missing = [level for level in levels if 1 << level not in by_stride]
    if missing:
        wanted = ", ".join(f"{level} (stride {1 << level})" for level in missing)
        found = "its strides are" if len(by_stride) > 1 else "all its maps have the stride"
        message = f"model {name!r} has no level {wanted}; {found} {listed(by_stride)}"
        fitting = _fitting(set(by_stride)) if len(by_stride) == 1 else []
        hint = f"\n  hint: of the shipped graphs, {', '.join(map(repr, fitting))} takes such maps" if fitting else ""
        raise BackboneError(message + hint)
    return {level: by_stride[1 << level] for level in levels}


def _fitting(strides: set[int]) -> list[str]:
    """The shipped graphs that need maps of these strides and no other."""
    graphs = {name: load(name) for name in shipped()}
    needs = {name: {1 << entry.level for entry in graph.inputs.values()} for name, graph in graphs.items()}
    return [name for name, needed in needs.items() if needed == strides]


def _checked(name: str, taps: Sequence[_Tap], levels: Sequence[int], out_indices: Sequence[int]) -> list[int]:
    """The explicit choice of taps, once it is found to fit the levels; never negative."""
    wrong = [index for index in out_indices if not -len(taps) <= index < len(taps)]
    if wrong:
        raise BackboneError(f"model {name!r} has no map {listed(wrong)}; it has 0 to {len(taps) - 1}")
    chosen = [taps[index] for index in out_indices]
    wanted = [1 << level for level in levels]
    if [tap.stride for tap in chosen] != wanted:
        strides = listed(tap.stride for tap in chosen)
        raise BackboneError(
            f"the maps {listed(out_indices)} of model {name!r} have the strides {strides}, "
            f"but {listed(wanted)} are required"
        )
    return [tap.position for tap in chosen]
