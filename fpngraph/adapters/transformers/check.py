"""Whether a model of transformers takes the maps of the :class:`FPNGraphBackbone` in it.

transformers itself finds out when the first image has passed the backbone, or never: a Mask2Former takes maps of any
strides, a DETR leaves all but the last map unused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import nn

from fpngraph.adapters.host import HostError
from fpngraph.adapters.transformers.backbone import FPNGraphBackbone
from fpngraph.errors import listed


def check(model: nn.Module) -> None:
    """Raises HostError unless a detector or segmenter takes the maps that the graph of its backbone gives.

    Knows Conditional DETR, D-FINE, Deformable DETR, DETR, Mask2Former, MaskFormer, RT-DETR, RT-DETRv2, Table
    Transformer and UperNet; of others it checks only that maps come finest first.

    >>> model = DeformableDetrForObjectDetection(config)
    >>> check(model)
    """
    found = [part for part in model.modules() if isinstance(part, FPNGraphBackbone)]
    if not found:
        raise HostError(f"the {type(model).__name__} has no FPNGraphBackbone, but one is required")
    config: Any = model.config
    if hasattr(model, "mask_head"):  # DetrForSegmentation, whose masks are made from all
        return
    for backbone in found:
        names, strides = list(backbone.out_features), list(backbone.out_strides)
        wanted = _disorder(strides) or _RULES.get(config.model_type, _nothing)(config, strides)
        if wanted:
            raise HostError(
                f"the backbone gives {len(names)} maps ({', '.join(names)}) of the strides {listed(strides)}, but "
                f"{wanted}\n  hint: 'out_features' of FPNGraphConfig chooses among the outputs of the graph"
            )


Rule = Callable[[Any, Sequence[int]], str | None]
"""What a configuration requires of maps of these strides that they are not."""


def _disorder(strides: Sequence[int]) -> str | None:
    return "must come finest first" if any(fine >= coarse for fine, coarse in pairwise(strides)) else None


def _nothing(config: Any, strides: Sequence[int]) -> str | None:
    return None


def _one(config: Any, strides: Sequence[int]) -> str | None:
    return "this model reads the last alone: one is required" if len(strides) != 1 else None


def _levels(config: Any, strides: Sequence[int]) -> str | None:
    if config.num_feature_levels == 1:
        return _one(config, strides)
    if config.num_feature_levels < len(strides):
        return f"'num_feature_levels' is {config.num_feature_levels}: at least {len(strides)} is required"
    return None


def _feature_strides(config: Any, strides: Sequence[int]) -> str | None:
    told = list(config.feature_strides)
    return f"'feature_strides' is {listed(told)}: those are required" if told != list(strides) else None


def _feat_strides(config: Any, strides: Sequence[int]) -> str | None:
    told = list(config.feat_strides)
    return f"'feat_strides' is {listed(told)}: those are required" if told != list(strides) else None


def _first_strides(config: Any, strides: Sequence[int]) -> str | None:
    """Of a detector whose encoder is a graph, which may give more maps than it takes."""
    told = list(config.feat_strides)[: len(strides)]
    return f"'feat_strides' begins with {listed(told)}: those are required" if told != list(strides) else None


def _two(config: Any, strides: Sequence[int]) -> str | None:
    return "at least 2 are required" if len(strides) < 2 else None


def _auxiliary(config: Any, strides: Sequence[int]) -> str | None:
    if config.use_auxiliary_head and len(strides) < 3:
        return "the auxiliary head reads the third: at least 3 are required, or 'use_auxiliary_head' False"
    return None


_RULES: Mapping[str, Rule] = {
    "conditional_detr": _one,
    "d_fine": _feat_strides,
    "deformable_detr": _levels,
    "detr": _one,
    "mask2former": _feature_strides,
    "maskformer": _two,
    "fpngraph_d_fine": _first_strides,
    "fpngraph_rt_detr": _first_strides,
    "fpngraph_rt_detr_v2": _first_strides,
    "rt_detr": _feat_strides,
    "rt_detr_v2": _feat_strides,
    "table-transformer": _one,
    "upernet": _auxiliary,
}
"""By ``model_type``."""
