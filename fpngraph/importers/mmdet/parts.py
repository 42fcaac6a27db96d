"""What the rules of several of mmdet's necks have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fpngraph.errors import listed
from fpngraph.importers.mmdet import models
from fpngraph.importers.settings import CONV, Findings
from fpngraph.importers.shipped import Values, params

NORMS = {"BN": "batch_norm", "SyncBN": "batch_norm", "MMSyncBN": "batch_norm", "GN": "group_norm"}
_ACTS = {"ReLU": "relu", "ReLU6": "relu6", "SiLU": "silu", "Swish": "silu", "Mish": "mish"}
_NEAREST: tuple[Any, ...] = ({"mode": "nearest"}, {"mode": "nearest", "scale_factor": 2})


def short(chain: list[Any]) -> Any:
    """A list of one layer as that layer."""
    return chain[0] if len(chain) == 1 else chain


def inner_levels(said: models.Levels, levels: Sequence[int], found: Findings) -> tuple[Sequence[int], int]:
    """The levels that are read of those that come in, and how many there are beyond them."""
    last = len(levels) - 1
    end = last if said.end_level == -1 else said.end_level
    if said.start_level > last or not said.start_level <= end <= last:
        key = "end_level" if said.start_level <= last else "start_level"
        found.add(key, f"{key!r} is {getattr(said, key)}, but there are {len(levels)} maps")
        return levels, 0
    inner = levels[said.start_level : end + 1]
    more = said.num_outs - len(inner)
    if more < 0 or (end != last and more > 0):
        found.add("num_outs", f"'num_outs' is {said.num_outs}, but of these maps there are {len(inner)}")
    return inner, max(more, 0)


def searched_levels(said: models.Levels, levels: Sequence[int], found: Findings) -> Sequence[int]:
    """Levels 3 to 5, of which a searched neck makes five."""
    inner, _ = inner_levels(said, levels, found)
    if list(inner) != [3, 4, 5] or said.num_outs != 5:
        message = f"{said.num_outs} maps of the levels {listed(inner)}, but the graph makes 5 of the levels 3, 4, 5"
        found.add("num_outs", message)
    return inner


def normed(norm: Any, *, lateral: bool) -> Values:
    """The parameters of a pyramid with norms."""
    if norm is None:
        return {}
    values = params(smooth=[CONV, "norm"], norm=norm)
    return values | params(lateral={"when": "always", "norm": True}) if lateral else values


def upsampled(said: Any, found: Findings) -> Values:
    """How maps are enlarged."""
    if said is None or said in _NEAREST:
        return {}
    if isinstance(said, Mapping) and said.get("mode") == "bilinear" and not said.get("align_corners"):
        return {("defaults", "resample", "up"): "bilinear"}
    found.add("upsample_cfg", f"'upsample_cfg' is {said!r}, for which there is no rule", "'nearest' and 'bilinear' are")
    return {}


def required_norm(said: Any, found: Findings) -> Any:
    """The norm of a graph that has one everywhere."""
    norm = found.norm("norm_cfg", said, {key: name for key, name in NORMS.items() if key != "GN"})
    if said is None:
        found.add("norm_cfg", "there is no 'norm_cfg', but the graph has norms")
    return norm or "batch_norm"


def activation(said: Any, found: Findings) -> Any:
    """The activation of a graph."""
    kind = said.get("type") if isinstance(said, Mapping) else said
    if kind == "LeakyReLU":
        return {"leaky_relu": {"slope": said.get("negative_slope", 0.01)}}
    if kind not in _ACTS:
        found.add("act_cfg", f"there is no rule for the activation {kind!r}", f"there are: {', '.join(_ACTS)}")
    return _ACTS.get(str(kind), "relu")


def by_level(said: models.Scales, levels: Sequence[int], widths: Sequence[int], found: Findings) -> dict[int, int]:
    """Channels by level."""
    if said.num_scales != len(widths) or len(widths) != len(levels):
        message = f"'num_scales' is {said.num_scales}, with {len(widths)} widths for {len(levels)} maps"
        found.add("num_scales", message)
    return dict(zip(levels, widths, strict=False))


def csp(said: models.Csp, levels: Sequence[int], found: Findings) -> Values:
    """Path aggregation of CSP stages."""
    found.only("conv_cfg", None)
    found.only("use_depthwise", False)
    found.only("expand_ratio", 0.5)
    found.only("upsample_cfg", *_NEAREST)
    if list(levels) != [3, 4, 5]:
        found.add("in_channels", f"the maps are of the levels {listed(levels)}, but the graph is for 3, 4, 5")
    width = dict(zip(levels, said.in_channels, strict=False))
    return params(width=width, channels=said.out_channels, blocks=said.num_csp_blocks)
