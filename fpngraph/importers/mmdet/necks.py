"""mmdet's necks as shipped graphs, one rule for each kind. What a graph has no setting for is a problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fpngraph.errors import listed
from fpngraph.importers.mmdet import models
from fpngraph.importers.mmdet.mapper import channel_mapper
from fpngraph.importers.mmdet.parts import (
    NORMS,
    activation,
    by_level,
    csp,
    inner_levels,
    normed,
    required_norm,
    searched_levels,
    short,
    upsampled,
)
from fpngraph.importers.settings import CONV, STRIDED, Findings
from fpngraph.importers.shipped import Piece, params

_FOUR_PATHS = [[0, 1, 2, 3], [0, 1, 2], [0, 1], [0], []]


def fpn(said: models.Fpn, levels: Sequence[int], found: Findings) -> Piece:
    """FPN in its modes."""
    inner, more = inner_levels(said, levels, found)
    found.only("conv_cfg", None)
    found.only("act_cfg", None)
    norm = found.norm("norm_cfg", said.norm_cfg, NORMS)
    low, high = inner[0], inner[-1]
    values = params(min=low, max=high + more, backbone_max=high, channels=said.out_channels)
    values |= normed(norm, lateral=not said.no_norm_on_lateral)
    values |= upsampled(said.upsample_cfg, found)
    graph = "retinanet_fpn" if said.add_extra_convs and more else "fpn"
    if graph == "retinanet_fpn":
        family = {"on_lateral": "M", "on_output": "P"}.get(str(said.add_extra_convs), "C")
        chain = [STRIDED, "norm"] if norm else [STRIDED]
        extra = ["act", *chain] if said.relu_before_extra_convs else chain
        values |= params(source=f"{family}{high}", first=short(chain), extra=short(extra))
    rename = {"bn": "gn"} if norm and said.norm_cfg["type"] == "GN" else {}
    return Piece(graph, "mmdet.FPN", inner, range(low, high + more + 1), values, rename)


def pafpn(said: models.Fpn, levels: Sequence[int], found: Findings) -> Piece:
    """PAFPN, whose levels beyond the backbone's are pooled."""
    inner, more = inner_levels(said, levels, found)
    found.only("conv_cfg", None)
    found.only("act_cfg", None)
    if said.add_extra_convs and more:
        hint = "leave 'add_extra_convs' out: levels beyond the backbone's are pooled then"
        found.add("add_extra_convs", f"the graph has no convolved levels above {inner[-1]}", hint)
    norm = found.norm("norm_cfg", said.norm_cfg, NORMS)
    low, high = inner[0], inner[-1]
    values = params(min=low, max=high + more, backbone_max=high, channels=said.out_channels)
    values |= normed(norm, lateral=not said.no_norm_on_lateral)
    values |= params(bottom_up=[STRIDED, "norm"]) if norm else {}
    rename = {"bn": "gn"} if norm and said.norm_cfg["type"] == "GN" else {}
    return Piece("panet", "mmdet.PAFPN", inner, range(low, high + more + 1), values, rename)


def nas_fpn(said: models.NasFpn, levels: Sequence[int], found: Findings) -> Piece:
    """NAS-FPN, of three levels of a backbone and two more."""
    inner = searched_levels(said, levels, found)
    norm = required_norm(said.norm_cfg, found)
    values = params(channels=said.out_channels, repeats=said.stack_times) | {("defaults", "norm"): norm}
    return Piece("nas_fpn_mmdet", "mmdet.NASFPN", inner, range(3, 8), values)


def nas_fcos(said: models.NasFcos, levels: Sequence[int], found: Findings) -> Piece:
    """NAS-FCOS' neck with plain convolutions."""
    inner = searched_levels(said, levels, found)
    found.only("conv_cfg", None, hint="the graph has plain convolutions where this has deformable ones")
    found.only("norm_cfg", {"type": "BN"}, {"type": "BN", "requires_grad": True})
    return Piece("nasfcos_fpn", "mmdet.NASFCOS_FPN", inner, range(3, 8), params(channels=said.out_channels))


def hrfpn(said: models.HrFpn, levels: Sequence[int], found: Findings) -> Piece:
    """HRFPN; its ``norm_cfg`` does nothing."""
    found.only("conv_cfg", None)
    found.only("stride", 1)
    low, last = levels[0], levels[0] + said.num_outs - 1
    if last < levels[-1]:
        found.add("num_outs", f"'num_outs' is {said.num_outs}, fewer than the {len(levels)} maps that come in")
    kind = "max_pool" if said.pooling_type == "MAX" else "avg_pool"
    values = params(min=low, max=last, backbone_max=levels[-1], channels=said.out_channels)
    values |= params(pool={kind: {"kernel": "ratio"}})
    return Piece("hrfpn", "mmdet.HRFPN", levels, range(low, last + 1), values)


def bfp(said: models.Bfp, levels: Sequence[int], found: Findings) -> Piece:
    """BFP."""
    found.only("conv_cfg", None)
    found.only("norm_cfg", None)
    if said.num_levels != len(levels):
        found.add("num_levels", f"'num_levels' is {said.num_levels}, but {len(levels)} maps come in")
    if said.refine_level >= len(levels):
        found.add("refine_level", f"'refine_level' is {said.refine_level}, but must be below {len(levels)}")
    refine: Mapping[Any, Any] = {
        None: "none",
        "conv": [CONV, "act"],
        "non_local": [{"non_local": {"reduction": 1, "scale": False}}],
    }
    level = levels[min(said.refine_level, len(levels) - 1)]
    values = params(min=levels[0], max=levels[-1], level=level, channels=said.in_channels)
    return Piece("bfp", "mmdet.BFP", levels, levels, values | params(refine=refine[said.refine_type]))


def ssh(said: models.Scales, levels: Sequence[int], found: Findings) -> Piece:
    """SSH."""
    found.only("conv_cfg", None)
    found.only("norm_cfg", {"type": "BN"}, {"type": "BN", "requires_grad": True})
    width = by_level(said, levels, said.out_channels, found)
    return Piece("ssh", "mmdet.SSH", levels, levels, params(min=levels[0], max=levels[-1], width=width))


def ssd(said: models.Ssd, levels: Sequence[int], found: Findings) -> Piece:
    """The levels of SSD512."""
    hint = "the graph is that of SSD512, in which each level is half of the one before"
    found.only("level_strides", [2, 2, 2, 2, 1], hint=hint)
    found.only("level_paddings", [1, 1, 1, 1, 1], hint=hint)
    if said.last_kernel_size != 4:
        found.add("last_kernel_size", f"'last_kernel_size' is {said.last_kernel_size}, but the graph is for 4", hint)
    for key, only in (("use_depthwise", False), ("conv_cfg", None), ("norm_cfg", None), ("act_cfg", {"type": "ReLU"})):
        found.only(key, only)
    if not said.l2_norm_scale:
        found.add("l2_norm_scale", "the graph normalises the finest map, which this does not")
    width = dict(zip(range(5, 10), said.out_channels[2:], strict=False))
    values = params(width=width, scale=float(said.l2_norm_scale or 20))
    return Piece("ssd", "mmdet.SSDNeck", levels, range(3, 10), values)


def yolo_v3(said: models.Scales, levels: Sequence[int], found: Findings) -> Piece:
    """YOLOv3's neck; it lists channels and gives maps from the coarsest level on, and so does the graph give them."""
    found.only("conv_cfg", None)
    if list(levels) != [3, 4, 5]:
        found.add("in_channels", f"the maps are of the levels {listed(levels)}, but the graph is for 3, 4, 5")
    width = by_level(said, levels, said.out_channels[::-1], found)
    values = params(width=width) | {
        ("defaults", "norm"): required_norm(said.norm_cfg, found),
        ("defaults", "act"): activation(said.act_cfg, found),
        ("outputs",): {f"P{level}": f"T{level}" for level in (5, 4, 3)},
    }
    return Piece("yolov3", "mmdet.YOLOV3Neck", levels, (5, 4, 3), values)


def yolox(said: models.Csp, levels: Sequence[int], found: Findings) -> Piece:
    """YOLOX's neck without depthwise convolutions."""
    values = csp(said, levels, found)
    values |= params(norm=required_norm(said.norm_cfg, found), act=activation(said.act_cfg, found))
    return Piece("yolox", "mmdet.YOLOXPAFPN", levels, levels, values)


def cspnext(said: models.Csp, levels: Sequence[int], found: Findings) -> Piece:
    """RTMDet's neck."""
    values = csp(said, levels, found)
    values |= {("defaults", "norm"): required_norm(said.norm_cfg, found)}
    values |= {("defaults", "act"): activation(said.act_cfg, found)}
    return Piece("rtmdet", "mmdet.CSPNeXtPAFPN", levels, levels, values)


def fpg(said: models.Fpg, levels: Sequence[int], found: Findings) -> Piece:
    """FPG as its configurations have it: pathways from fine to coarse."""
    inner, more = inner_levels(said, levels, found)
    hint = "the graph is that of mmdet's configurations: pathways 'bu', of which four leave finer levels out"
    cna = {"norm_cfg": said.norm_cfg, "inplace": False, "order": ["act", "conv", "norm"]}
    down = {"type": "conv", "kernel_size": 3, "stride": 2, "padding": 1} | cna
    one = {"type": "conv", "kernel_size": 1} | cna
    up = {"type": "interpolation_conv", "mode": "nearest", "kernel_size": 3} | cna
    last = {"type": "last_conv", "kernel_size": 3, "order": ["act", "conv", "norm"], "inplace": False}
    wanted: Mapping[str, Any] = {
        "paths": ["bu"] * said.stack_times,
        "same_down_trans": None,
        "same_up_trans": down,
        "across_up_trans": None,
        "across_lateral_trans": one,
        "across_skip_trans": one,
        "across_down_trans": up,
        "output_trans": last,
        "skip_inds": _FOUR_PATHS,
    }
    for key, only in wanted.items():
        if getattr(said, key) != only:
            found.add(key, f"the graph has another {key!r}", hint)
    if len(inner) + more != 5 or said.stack_times < 5:
        found.add("num_outs", "the graph has five levels, and more than four pathways", hint)
    found.only("inter_channels", said.out_channels, None)
    found.only("norm_cfg", {"type": "BN"}, {"type": "BN", "requires_grad": True})
    extra = STRIDED if said.add_extra_convs else {"max_pool": {"kernel": 1}}
    values = params(min=inner[0], backbone_max=inner[-1], channels=said.out_channels, extra=extra)
    values |= params(pathways=said.stack_times - 4)
    return Piece("fpg", "mmdet.FPG", inner, range(inner[0], inner[0] + 5), values)


Rule = Callable[[Any, Sequence[int], Findings], Piece]
RULES: Mapping[str, tuple[type[models.Settings], Rule]] = {
    "FPN": (models.Fpn, fpn),
    "PAFPN": (models.Fpn, pafpn),
    "NASFPN": (models.NasFpn, nas_fpn),
    "NASFCOS_FPN": (models.NasFcos, nas_fcos),
    "FPG": (models.Fpg, fpg),
    "HRFPN": (models.HrFpn, hrfpn),
    "BFP": (models.Bfp, bfp),
    "SSH": (models.Scales, ssh),
    "SSDNeck": (models.Ssd, ssd),
    "YOLOV3Neck": (models.Scales, yolo_v3),
    "YOLOXPAFPN": (models.Csp, yolox),
    "CSPNeXtPAFPN": (models.Csp, cspnext),
    "ChannelMapper": (models.Mapper, channel_mapper),
}
