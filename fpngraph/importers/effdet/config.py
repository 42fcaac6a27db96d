"""What a configuration of effdet says of its neck, by effdet's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from fpngraph.errors import GraphError, Problem, listed, nearest
from fpngraph.language.keys.findings import validate
from fpngraph.language.limits import MAX_LEVEL, MAX_RUNS
from fpngraph.language.yaml.source import read_file
from fpngraph.language.yaml.value import Value
from fpngraph.ops import find, names

Level = Annotated[int, Field(ge=0, le=MAX_LEVEL)]
NAMES = ("bifpn_sum", "bifpn_attn", "bifpn_fa", "pan_sum", "pan_fa", "qufpn_sum", "qufpn_fa")
"""What effdet calls the cells that come with it."""
_NOT_OF_THE_NECK = frozenset(
    (
        *("name", "backbone_name", "backbone_args", "image_size", "num_classes", "num_scales", "aspect_ratios"),
        *("anchor_scale", "box_class_repeats", "head_bn_level_first", "head_act_type", "fpn_drop_path_rate", "alpha"),
        *("gamma", "label_smoothing", "legacy_focal", "jit_loss", "delta", "box_loss_weight", "soft_nms", "url"),
        *("max_detection_points", "max_det_per_image", "mean", "std", "fill_color"),
    )
)
"""Keys of a whole configuration that no neck depends on."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FpnNode(_Data):
    """A node of a cell."""

    feat_level: Level = Field(description="Its level.")
    inputs_offsets: list[NonNegativeInt] = Field(
        min_length=1, description="What it reads: the cell's inputs are counted first, then its nodes."
    )
    weight_method: Literal["sum", "attn", "fastattn"] = Field(description="How it weighs what it reads.")


class FpnConfig(_Data):
    """A cell, which gives its last nodes, one for each level."""

    nodes: list[FpnNode] = Field(min_length=1, description="Its nodes in the order that they are computed in.")


class Settings(_Data):
    """The keys of a configuration that a neck depends on, with the values of ``efficientdet_d0`` as defaults."""

    min_level: Level = 3
    max_level: Level = 7
    num_levels: PositiveInt | None = None
    backbone_indices: list[NonNegativeInt] | None = None
    fpn_channels: PositiveInt = 64
    fpn_cell_repeats: int = Field(default=3, ge=1, le=MAX_RUNS)
    fpn_name: Literal[NAMES] | None = None  # type: ignore[valid-type]  # mypy wants the names themselves
    fpn_config: FpnConfig | None = None
    act_type: str = "swish"
    norm_layer: Any = None
    norm_kwargs: dict[Literal["eps", "momentum"], float] | None = {"eps": 0.001, "momentum": 0.01}
    pad_type: Literal["", "same"] = ""
    separable_conv: bool = True
    apply_resample_bn: bool = True
    conv_bn_relu_pattern: bool = False
    redundant_bias: bool = False
    downsample_type: Literal["max", "avg", "bilinear", "nearest"] = "max"
    upsample_type: Literal["nearest", "bilinear"] = "nearest"

    @property
    def levels(self) -> range:
        """Those of a cell's inputs and outputs."""
        return range(self.min_level, self.max_level + 1)

    @property
    def backbone_max(self) -> int:
        """The coarsest level that the backbone has; effdet takes three maps of it by itself."""
        maps = len(self.backbone_indices) if self.backbone_indices else 3
        return min(self.min_level + maps - 1, self.max_level)


def read_settings(path: Path) -> Settings:
    """The configuration in a file: that of a model, or of a cell alone. Raises GraphError with all that is wrong."""
    value = read_file(path)
    problems: list[Problem] = []
    alone = "nodes" in value.entries
    plain = value.plain()
    if alone:
        cell = validate(FpnConfig, value, problems, plain)
        levels = [node.feat_level for node in cell.nodes] if cell else [0]
        found = Settings(min_level=min(levels), max_level=max(levels), fpn_config=cell)
    else:
        kept = {key: it for key, it in plain.items() if key not in _NOT_OF_THE_NECK}
        found = validate(Settings, value, problems, kept) or Settings()
    if not problems:
        problems += _misfits(found, value, value if alone else value.at(["fpn_config"]))
    if problems:
        raise GraphError(sorted(problems, key=lambda problem: problem.place))
    return found


def _misfits(settings: Settings, value: Value, cell: Value) -> Iterator[Problem]:
    """What cannot be although each value by itself can."""
    levels = settings.levels

    def problem(message: str, key: str, hint: str | None = None) -> Problem:
        return Problem("not-converted", message, value.at([key]).span, hint)

    if not levels:
        yield problem(f"'max_level' is {settings.max_level}, below 'min_level', {settings.min_level}", "max_level")
    elif settings.num_levels not in (None, len(levels)):
        told = f"{settings.num_levels}, but there are {len(levels)} from {levels[0]} to {levels[-1]}"
        yield problem(f"'num_levels' is {told}", "num_levels", "leave it out")
    if find(["act"], settings.act_type) is None:
        hint = nearest(settings.act_type, names(["act"]))
        yield problem(f"'act_type' is {settings.act_type!r}, for which there is no activation", "act_type", hint)
    if settings.norm_layer is not None:
        hint = "leave it out, and write 'norm' into the converted graph"
        yield problem(f"there is no rule for a 'norm_layer' of {settings.norm_layer!r}", "norm_layer", hint)
    if levels and settings.fpn_config is not None:
        yield from _of_cell(settings.fpn_config, levels, cell.at(["nodes"]))


def _of_cell(cell: FpnConfig, levels: range, place: Value) -> Iterator[Problem]:
    for number, node in enumerate(cell.nodes):
        offsets = node.inputs_offsets
        at: Mapping[str, Value] = place.at([number]).entries

        def problem(message: str, key: str, hint: str, number: int = number, at: Any = at) -> Problem:
            return Problem("not-converted", f"node {number} {message}", at[key].span, hint)

        before = len(levels) + number
        if max(offsets) >= before:
            hint = f"0 to {len(levels) - 1} are the inputs of a cell, {len(levels)} is its first node"
            yield problem(f"reads {max(offsets)}, but has only 0 to {before - 1} before it", "inputs_offsets", hint)
        if doubled := [offset for offset in offsets if offsets.count(offset) > 1]:
            hint = "effdet reads it once, but has two weights for it: name it once"
            yield problem(f"reads {doubled[0]} twice", "inputs_offsets", hint)
        if node.feat_level > levels[-1]:
            hint = f"the coarsest level is {levels[-1]}, 'max_level'"
            yield problem(f"is of level {node.feat_level}, coarser than the inputs", "feat_level", hint)
    last = [node.feat_level for node in cell.nodes[-len(levels) :]]
    if last != list(levels):
        message = f"the last nodes are of the levels {listed(last)}, but must be of {listed(levels)}"
        hint = "a cell gives its last nodes, one for each level, finest first"
        yield Problem("not-converted", message, place.span, hint)
