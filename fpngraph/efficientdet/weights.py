"""The weights of effdet's detectors for ours, and ours for effdet's."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from torch import Tensor

from fpngraph.efficientdet.as_named import unlike_named
from fpngraph.efficientdet.checkpoint import read_checkpoint
from fpngraph.efficientdet.config import NormOrder
from fpngraph.efficientdet.model import EfficientDet
from fpngraph.efficientdet.neck_weights import PARTS, effdet_neck_names
from fpngraph.files import replace_file
from fpngraph.weights.state import ambiguous, differences, listed, odd, refuse, translate

_PLUGGED = ("fpn.neck.", "fpn.")
"""What the names of our neck begin with in effdet's model: plugged by strides, or as it is."""
_HEADS = {"class_head": "class_net", "box_head": "box_net"}
_CONV = re.compile(r"(?:convs(?P<repeat>\.\d+)|predict)\.(?P<part>(?:depthwise\.|pointwise\.)?)(?P<leaf>\w+)")
_NORM = re.compile(r"norms\.(?P<repeat>\d+)\.(?P<level>\w+)\.(?P<leaf>\w+)")
_LEVEL_FIRST = re.compile(r"(class_net|box_net)\.bn_rep\.\d+\.\d+\.(?!bn\.)")
_OTHER_NECK = (
    "for a model of effdet's whose fpn_config is this neck, write effdet_state(model); for one with this graph in its "
    "place (fpngraph.adapters.effdet), effdet_state(model, neck='graph')"
)
_OURS_TO_EFFDET = {part: name for parts in PARTS.values() for part, name in parts.items()}


def load_effdet(
    model: EfficientDet, source: str | os.PathLike[str] | Mapping[str, Any], *, ema: bool | None = None
) -> None:
    """Load a checkpoint of effdet's: every tensor of it, and every tensor of the model, or nothing.

    ``source`` is a file (``.safetensors``, or what ``torch.save`` wrote) or what one holds: the state dict of effdet's
    model, in one of its benches, DistributedDataParallel or other modules or not, with either order of the heads'
    norms, with its own neck or this graph in its place (``fpngraph.adapters.effdet``); or a training checkpoint with
    one in it. ``ema`` chooses the averaged weights of such a checkpoint (True) or the plain ones (False); None takes
    the averaged ones where there are any.
    Raises OSError for a file that cannot be read, and StateError for one that is no checkpoint or does not fit the
    model, with every difference.

    >>> model = create("efficientdet_d0")
    >>> load_effdet(model, effdet_state(create("efficientdet_d0")))
    """
    model.load_state_dict(state_from_effdet(read_checkpoint(source, ema=ema), model, _named(source)))


def state_from_effdet(state: Mapping[str, Tensor], model: EfficientDet, named: str) -> dict[str, Tensor]:
    """The state dict of ``model`` with the tensors of that of effdet's model; errors call it ``named``."""
    names = effdet_names(model, "level_first" if any(map(_LEVEL_FIRST.match, state)) else "repeat_first")
    names |= _plugged_names(model, state)
    # torch reads state dicts without the counters of norms too: those are older than the counters.
    counters = {name for name in names.values() if name.endswith(".num_batches_tracked")}
    state = dict.fromkeys(counters, torch.tensor(0)) | dict(state)
    what = f"{named} does not fit model {model.config.name!r}"
    return translate(state, model.state_dict(), names, what, _hint(state, model, names))


def _plugged_names(model: EfficientDet, state: Mapping[str, Tensor]) -> dict[str, str]:
    """The names of the neck where effdet's model has our graph in place of its own; none where it has not."""
    ours = list(model.neck.state_dict())
    prefix = next((it for it in _PLUGGED if any(f"{it}{name}" in state for name in ours)), None)
    return {} if prefix is None else {f"neck.{name}": f"{prefix}{name}" for name in ours}


def effdet_state(model: EfficientDet, *, neck: Literal["effdet", "graph"] = "effdet") -> dict[str, Tensor]:
    """The state dict of effdet's model of this configuration, with the tensors of ours, not copies.

    With ``neck="graph"`` it is for a model that has our graph in place of its own neck, any graph; see
    ``fpngraph.adapters.effdet``.
    Raises StateError where the model has tensors that effdet's has not, or that are not there, as on the device meta.

    >>> next(iter(effdet_state(create("efficientdet_d0"))))
    'backbone.conv_stem.weight'
    """
    ours, names = model.state_dict(), effdet_names(model, model.config.effdet_norms)
    if neck == "graph":
        names |= {f"neck.{name}": f"{_PLUGGED[0]}{name}" for name in model.neck.state_dict()}
    refuse(
        f"effdet has no model like {model.config.name!r} with graph {model.neck.source_graph.name!r}",
        ambiguous(ours, names),
    )
    unreadable = [f"{name!r} is {why}" for name, tensor in ours.items() if (why := odd(tensor))]
    refuse(f"model {model.config.name!r} cannot be written", listed("that cannot be copied", unreadable))
    return {names[name]: tensor for name, tensor in ours.items()}


def save_effdet(model: EfficientDet, path: str | os.PathLike[str]) -> None:
    """Write the state dict for effdet's model of this name, with ``torch.save``, or as safetensors if ``path`` ends so.

    The file is written whole or not at all. Raises OSError where it cannot be, and StateError as ``effdet_state`` and
    for a neck that effdet's model has not: of other tensors, or of equal ones that would be used in another way.

    >>> model = create("efficientdet_d0")
    >>> save_effdet(model, "d0.pth")
    >>> load_effdet(create("efficientdet_d0"), "d0.pth")
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in effdet_state(model).items()}
    what = f"effdet's model {model.config.name!r} has another neck than graph {model.neck.source_graph.name!r}"
    refuse(what, unlike_named(model), _OTHER_NECK)
    if Path(path).suffix == ".safetensors":
        content = safetensors.torch.save({name: tensor.clone() for name, tensor in state.items()})  # none shares memory
    else:
        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getvalue()
    replace_file(path, content)


def effdet_names(model: EfficientDet, norms: NormOrder) -> dict[str, str]:
    """The names in the state dict of ``model`` with those of the same tensors in effdet, as far as it has them."""
    if not isinstance(model, EfficientDet):
        kind = type(model).__name__
        raise TypeError(f"model is a {kind}, not an EfficientDet\n  hint: an inference form is made from one")
    names = {name: name for name in model.state_dict() if name.startswith("backbone.")}
    names |= {f"neck.{ours}": f"fpn.{theirs}" for ours, theirs in effdet_neck_names(model.neck).items()}
    levels = {name: index for index, name in enumerate(model.neck.out_channels)}
    for head, net in _HEADS.items():
        pairs = _head_names(model.get_submodule(head).state_dict(), levels, norms)
        names |= {f"{head}.{ours}": f"{net}.{theirs}" for ours, theirs in pairs}
    return names


def _head_names(names: Iterable[str], levels: Mapping[str, int], norms: NormOrder) -> Iterator[tuple[str, str]]:
    for name in names:
        conv, norm = _CONV.fullmatch(name), _NORM.fullmatch(name)
        if conv:
            place = f"conv_rep{conv['repeat']}" if conv["repeat"] else "predict"
            yield name, f"{place}.{_OURS_TO_EFFDET[conv['part']]}.{conv['leaf']}"
        elif norm:
            repeat, level = norm["repeat"], levels[norm["level"]]
            place = f"{repeat}.{level}.bn" if norms == "repeat_first" else f"{level}.{repeat}"
            yield name, f"bn_rep.{place}.{norm['leaf']}"


def _named(source: str | os.PathLike[str] | Mapping[str, Any]) -> str:
    return "the state dict" if isinstance(source, Mapping) else repr(os.fspath(source))


def _hint(state: Mapping[str, Tensor], model: EfficientDet, names: Mapping[str, str]) -> str:
    """What to do about the likeliest reasons why a checkpoint does not fit."""
    if has_own_names(state):
        ours = model.state_dict()
        if not list(differences({name: x for name, x in state.items() if name in ours}, ours)):
            return "it has the names of this package: model.load_state_dict takes it"
        return (
            "it has the names of this package, of a model with another neck or other heads: "
            "fpngraph.load_matching(model, state) takes every tensor that fits"
        )
    outputs = {net: _outputs(state, net) for net in _HEADS.values()}
    anchors, config = outputs["box_net"] // 4, model.config
    if anchors not in {0, config.num_anchors}:
        return (
            f"it has {anchors} anchors per place, the model {config.num_anchors}: create the model with the "
            "aspect_ratios and num_scales of the checkpoint, load, then model.reset_heads(...)"
        )
    classes = outputs["class_net"] // config.num_anchors
    if anchors and classes != config.num_classes:
        return (
            f"it has {classes} classes, the model {config.num_classes}: create the model with num_classes={classes}, "
            f"load, then model.reset_heads(num_classes={config.num_classes})"
        )
    if _is_other_neck(state, model, names):
        return (
            f"graph {model.neck.source_graph.name!r} is another neck than the checkpoint's: load that into "
            f"original = efficientdet.create({config.name!r}, ...) with the neck that it was trained with, then "
            "fpngraph.load_matching(model, original.state_dict()) takes every tensor that fits"
        )
    return ""


def _is_other_neck(state: Mapping[str, Tensor], model: EfficientDet, names: Mapping[str, str]) -> bool:
    """Whether a tensor of either neck has no counterpart in the other, or one of another shape."""
    ours = {name: tensor for name, tensor in model.state_dict().items() if name.startswith("neck.")}
    theirs = {names[name]: tensor for name, tensor in ours.items() if name in names}
    left = {name for name in state if name.startswith("fpn.")}.difference(theirs)
    others = [name for name, x in theirs.items() if name in state and state[name].shape != x.shape]
    return bool(left or others) or len(theirs) < len(ours)


def has_own_names(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict is of our detector, not of effdet's."""
    return any(name.startswith("class_head.") for name in state)


def num_classes_in(state: Mapping[str, Tensor], num_anchors: int) -> int | None:
    """How many classes a state dict is for, of effdet's detector or of ours; None where it does not tell."""
    bias = re.compile(r"class_(net|head)\.predict\.(\w+\.)?bias")
    return sum(tensor.numel() for name, tensor in state.items() if bias.fullmatch(name)) // num_anchors or None


def _outputs(state: Mapping[str, Tensor], net: str) -> int:
    """How many maps the predictor of a head gives."""
    return sum(tensor.numel() for name, tensor in state.items() if re.fullmatch(rf"{net}\.predict\.\w+\.bias", name))
