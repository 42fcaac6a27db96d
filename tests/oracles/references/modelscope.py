"""The necks of DAMO-YOLO and GiraffeDet, of modelscope's files for them alone: the rest of it asks for much more."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from importlib import import_module
from typing import Any

from torch import nn

from tests.oracles.reference import Reference, library
from tests.oracles.references.unimported import bare

BASE = "models.cv.tinynas_detection.damo.base_models"
# What the configurations of the publication say of the neck.
SIZES: Mapping[str, Mapping[str, Any]] = {
    "t": {"in_channels": [96, 192, 384], "out_channels": [64, 128, 256], "act": "relu"},
    "s": {"in_channels": [128, 256, 512], "out_channels": [128, 256, 512], "act": "relu", "hidden_ratio": 0.75},
    "m": {"in_channels": [128, 256, 512], "out_channels": [128, 256, 512], "act": "silu", "depth": 1.5},
}
# Fusion of GiraffeDet's paper: both diagonals of the layer before, and links that double their length.
QUEEN: Mapping[str, Any] = {
    "weight_method": "concat",
    "with_backslash": True,
    "with_slash": True,
    "with_skip_connect": True,
    "skip_connect_type": "log2n",
}


def damo_yolo(size: str) -> Reference:
    """The neck of DAMO-YOLO in a size of its publication."""
    neck = _necks("giraffe_fpn_btn").GiraffeNeckV2(block_name="BasicBlock_3x3_Reverse", **SIZES[size])
    neck.register_forward_hook(lambda _module, _given, maps: list(maps))
    return Reference(neck, dict(enumerate(SIZES[size]["in_channels"], 3)), (3, 4, 5), multiple=32)


def gfpn_nodes(low: int, high: int, depth: int) -> Mapping[int, Mapping[str, Any]]:
    """The nodes of GiraffeDet's neck by number: the maps that come in are the first ones, from the finest on."""
    nodes: Mapping[int, Mapping[str, Any]] = _necks("giraffe_config").get_graph_config(
        "giraffeneck", low, high, depth_multiplier=depth, **QUEEN
    )
    return nodes


def gfpn(in_channels: Mapping[int, int], depth: int, channels: int, out_channels: int, *, separable: bool) -> Reference:
    """GiraffeDet's neck with ``depth`` layers, of the levels that come in."""
    levels = sorted(in_channels)
    info = [{"num_chs": in_channels[level], "reduction": 2**level} for level in levels]
    neck = _necks("giraffe_fpn").GiraffeNeck(
        **QUEEN,
        min_level=levels[0],
        max_level=levels[-1],
        num_levels=len(levels),
        norm_layer=None,
        norm_kwargs=None,
        act_type="silu",
        fpn_config=None,
        fpn_name="giraffeneck",
        fpn_channels=[channels] * len(levels),
        out_fpn_channels=[out_channels] * len(levels),
        depth_multiplier=depth,
        width_multiplier=1,
        separable_conv=separable,
        feature_info=info,
        merge_type="conv",
        pad_type="",
        downsample_type="max",
        upsample_type="nearest",
        apply_resample_bn=False,
        conv_after_downsample=False,
        redundant_bias=False,
        conv_bn_relu_pattern=False,
        alternate_init=False,
    )
    neck.register_forward_pre_hook(partial(_with_unread, levels[0] - 1))
    return Reference(neck, dict(in_channels), tuple(levels), multiple=2 ** levels[-1])


def _with_unread(number: int, _module: nn.Module, given: tuple[list[object]]) -> tuple[list[object]]:
    (maps,) = given
    return ([*[None] * number, *maps],)


@cache
def _necks(file: str) -> Any:
    parts = BASE.split(".")
    with library("modelscope"):
        bare("modelscope", *(".".join(parts[: n + 1]) for n in range(len(parts))), f"{BASE}.necks", f"{BASE}.core")
        return import_module(f"modelscope.{BASE}.necks.{file}")
