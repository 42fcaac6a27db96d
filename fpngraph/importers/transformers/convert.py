"""A neck of transformers' detectors as a graph file, and the table of what its weights are called."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fpngraph.errors import GraphError, Problem
from fpngraph.importers.mmdet.config import read_plain
from fpngraph.importers.settings import Findings
from fpngraph.importers.shipped import Imported, Piece, imported, params

_FIXED: Mapping[str, Any] = {
    "encoder_attention_heads": 8,
    "encode_proj_layers": [2],
    "encoder_layers": 1,
    "positional_encoding_temperature": 10000,
    "eval_size": None,
    "normalize_before": False,
    "activation_function": "silu",
    "encoder_activation_function": "gelu",
    "batch_norm_eps": 1e-5,
    "layer_norm_eps": 1e-5,
    "dropout": 0.0,
}


def convert(path: str | os.PathLike[str], strides: Sequence[int] | None = None) -> Imported:
    """As ``fpngraph.importers.from_transformers`` says."""
    value = read_plain(Path(path))
    kind = value.entries.get("model_type")
    name = kind.plain() if kind is not None else None
    if not isinstance(name, str) or name not in _RULES:
        what = "the file has no 'model_type'" if kind is None else f"there is no graph for the neck of {name!r}"
        span = kind.span if kind is not None else value.span
        raise GraphError([Problem("not-converted", what, span, f"there are: {', '.join(_RULES)}")])
    found = Findings(value)
    piece = _RULES[name](value.plain(), found, strides)
    if found.problems:
        raise GraphError(found.problems)
    return imported([piece], "")


def _rt_detr(said: Mapping[str, Any], found: Findings, strides: Sequence[int] | None) -> Piece:
    for key, only in _FIXED.items():
        found.only(key, only)
    expected = [8, 16, 32]
    if (list(strides) if strides else said.get("feat_strides", expected)) != expected:
        found.add("feat_strides", "the graph is for maps of the strides 8, 16, 32")
    width = _integer(said, "encoder_hidden_dim", 256, found)
    hidden = _integer(said, "encoder_ffn_dim", 1024, found)
    expand = said.get("hidden_expansion", 1.0)
    if isinstance(expand, bool) or not isinstance(expand, int | float):
        found.add("hidden_expansion", f"'hidden_expansion' is {expand!r}, but must be a number")
    values = params(width=width, hidden=hidden, expand=expand)
    return Piece("rtdetr", "transformers.RTDetrModel", range(3, 6), range(3, 6), values)


def _maskformer(said: Mapping[str, Any], found: Findings, strides: Sequence[int] | None) -> Piece:
    if list(strides or (4, 8, 16, 32)) != [4, 8, 16, 32]:
        found.add("backbone_config", "the graph is for maps of the strides 4, 8, 16, 32")
    channels = _integer(said, "fpn_feature_size", 256, found)
    mask = _integer(said, "mask_feature_size", 256, found)
    values = params(channels=channels, mask=mask)
    return Piece("maskformer_fpn", "transformers.MaskFormerPixelDecoder", range(2, 6), range(2, 3), values)


def _integer(said: Mapping[str, Any], key: str, default: int, found: Findings) -> int:
    value = said.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        found.add(key, f"{key!r} is {value!r}, but must be a positive integer")
        return default
    return value


_RULES: Mapping[str, Callable[[Mapping[str, Any], Findings, Sequence[int] | None], Piece]] = {
    "rt_detr": _rt_detr,
    "rt_detr_v2": _rt_detr,
    "maskformer": _maskformer,
}
