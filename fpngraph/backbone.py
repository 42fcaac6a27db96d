"""Backbones of timm: which channels they have at which level."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import timm
import torch


class BackboneError(ValueError):
    """A backbone does not exist, or does not have the levels asked for."""


def backbone_channels(name: str, levels: Iterable[int]) -> dict[int, int]:
    """Channels of the last feature map of each level, of the timm model ``name``; no weights are loaded.

    A level is found by its stride, 2^level, never by its place in the model.
    Raises BackboneError for a name or a level that does not exist.
    """
    if not timm.is_model(name):
        close = get_close_matches(name, timm.list_models(), n=5)
        hint = f"did you mean {', '.join(map(repr, close))}?" if close else "timm.list_models() has all names"
        raise BackboneError(f"timm has no model named {name!r}\n  hint: {hint}")
    try:
        with torch.device("meta"):
            features: Any = timm.create_model(name, features_only=True, pretrained=False).feature_info
    except (RuntimeError, AttributeError, AssertionError, TypeError) as error:
        raise BackboneError(f"model {name!r} gives no feature maps: {error}") from error
    by_stride = dict(zip(features.reduction(), features.channels(), strict=True))
    missing = [level for level in levels if 1 << level not in by_stride]
    if missing:
        wanted = ", ".join(f"{level} (stride {1 << level})" for level in missing)
        raise BackboneError(f"model {name!r} has no level {wanted}; its strides are {', '.join(map(str, by_stride))}")
    return {level: by_stride[1 << level] for level in levels}
