"""Necks of mmdet that are built of others, or run here only with something of them replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.oracles.reference import Reference, library
from tests.oracles.references import mmdet


def bfp(channels: int, levels: range, refine: str | None) -> Reference:
    """The balanced feature pyramid alone, refined in the middle of ``levels``."""
    neck = _built("BFP", in_channels=channels, num_levels=len(levels), refine_level=2, refine_type=refine)
    neck.register_forward_hook(_listed)
    return Reference(neck, dict.fromkeys(levels, channels), tuple(levels))


def libra(in_channels: Mapping[int, int], channels: int, levels: range) -> Reference:
    """The two necks of Libra R-CNN, one after the other as a detector holds them."""
    number = len(levels)
    first = _built("FPN", in_channels=list(in_channels.values()), out_channels=channels, num_outs=number)
    second = _built("BFP", in_channels=channels, num_levels=number, refine_level=2, refine_type="non_local")
    neck = nn.Sequential(first, second)
    neck.register_forward_hook(_listed)
    return Reference(neck, in_channels, tuple(levels))


def ssd(width: Sequence[int]) -> Reference:
    """The levels of SSD512 with the normalisation of its first one in the map's type: theirs is in single precision."""
    settings: dict[str, Any] = {"level_strides": (2, 2, 2, 2, 1), "level_paddings": (1,) * 5, "last_kernel_size": 4}
    neck = _built("SSDNeck", in_channels=list(width[:2]), out_channels=list(width), **settings)
    norm: Any = neck.l2_norm
    norm.forward = MethodType(_normalised, norm)
    neck.register_forward_hook(_listed)
    return Reference(neck, dict(enumerate(width[:2], 3)), tuple(range(3, 10)), multiple=512)


def _normalised(norm: Any, x: Tensor) -> Tensor:
    return x / (x.square().sum(1, keepdim=True).sqrt() + norm.eps) * norm.weight.view(-1, 1, 1)


def nas_fcos(in_channels: Mapping[int, int], channels: int) -> Reference:
    """NAS-FCOS' neck as its configuration has it, but for the deformable convolutions, which are plain ones."""
    settings = {"start_level": 1, "add_extra_convs": True, "norm_cfg": {"type": "BN"}, "num_outs": 5}
    return mmdet.neck("NASFCOS_FPN", in_channels, range(3, 8), out_channels=channels, **settings)


def carafe(in_channels: Mapping[int, int], channels: int, levels: range) -> Reference:
    """The pyramid with CARAFE, whose compiled operator is replaced by plain torch."""
    reference = mmdet.neck("FPN_CARAFE", in_channels, levels, out_channels=channels, num_outs=len(levels))
    for module in reference.neck.modules():
        if hasattr(module, "feature_reassemble"):
            module.feature_reassemble = MethodType(_reassembled, module)
    return reference


def _reassembled(pack: Any, x: Tensor, weights: Tensor) -> Tensor:
    """Each pixel of the larger map by its own weights, of the windows around it that torch unfolds."""
    side, ratio = pack.up_kernel, pack.scale_factor
    batch, channels, height, width = x.shape
    windows = F.unfold(x, side, padding=side // 2).view(batch, channels * side**2, height, width)
    large = windows.repeat_interleave(ratio, 2).repeat_interleave(ratio, 3)
    large = large.view(batch, channels, side**2, height * ratio, width * ratio)
    return torch.einsum("bcnhw,bnhw->bchw", large, weights)


def _built(kind: str, **settings: Any) -> Any:
    with library("mmdet"):
        return getattr(mmdet.necks(), kind)(**settings)


def _listed(_module: nn.Module, _given: object, maps: Sequence[object]) -> list[object]:
    return list(maps)
