"""The settings of mmdet's necks, by its names and with its defaults."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

_EXTRA = bool | Literal["on_input", "on_lateral", "on_output"]


class Settings(BaseModel):
    """Those that every neck may have."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    type: str
    conv_cfg: Any = None
    norm_cfg: Any = None
    init_cfg: Any = None


class Levels(Settings):
    """Of which maps of the backbone the neck is, and how many it gives."""

    in_channels: list[PositiveInt]
    out_channels: PositiveInt
    num_outs: PositiveInt
    start_level: NonNegativeInt = 0
    end_level: int = -1


class Fpn(Levels):
    """FPN and PAFPN."""

    add_extra_convs: _EXTRA = False
    relu_before_extra_convs: bool = False
    no_norm_on_lateral: bool = False
    act_cfg: Any = None
    upsample_cfg: Any = None


class NasFpn(Levels):
    stack_times: PositiveInt


class NasFcos(Levels):
    start_level: NonNegativeInt = 1
    add_extra_convs: _EXTRA = False


class Fpg(Levels):
    stack_times: PositiveInt
    paths: Any
    inter_channels: Any = None
    same_down_trans: Any = None
    same_up_trans: Any = None
    across_lateral_trans: Any = None
    across_down_trans: Any = None
    across_up_trans: Any = None
    across_skip_trans: Any = None
    output_trans: Any = None
    add_extra_convs: bool = False
    skip_inds: Any = None


class HrFpn(Settings):
    in_channels: list[PositiveInt]
    out_channels: PositiveInt
    num_outs: PositiveInt = 5
    pooling_type: str = "AVG"
    with_cp: bool = False
    stride: PositiveInt = 1


class Bfp(Settings):
    in_channels: PositiveInt
    num_levels: PositiveInt
    refine_level: NonNegativeInt = 2
    refine_type: Literal["conv", "non_local"] | None = None


class Scales(Settings):
    """SSH and YOLOV3Neck."""

    num_scales: PositiveInt
    in_channels: list[PositiveInt]
    out_channels: list[PositiveInt]
    norm_cfg: Any = {"type": "BN"}
    act_cfg: Any = {"type": "LeakyReLU", "negative_slope": 0.1}


class Ssd(Settings):
    in_channels: list[PositiveInt]
    out_channels: list[PositiveInt]
    level_strides: list[int]
    level_paddings: list[int]
    l2_norm_scale: float | int | None = 20.0
    last_kernel_size: PositiveInt = 3
    use_depthwise: bool = False
    act_cfg: Any = {"type": "ReLU"}


class Csp(Settings):
    """YOLOXPAFPN and CSPNeXtPAFPN."""

    in_channels: list[PositiveInt]
    out_channels: PositiveInt
    num_csp_blocks: PositiveInt = 3
    use_depthwise: bool = False
    expand_ratio: float = 0.5
    upsample_cfg: Any = None
    norm_cfg: Any = {"type": "BN", "momentum": 0.03, "eps": 0.001}
    act_cfg: Any = {"type": "Swish"}


class Mapper(Settings):
    """ChannelMapper."""

    in_channels: list[PositiveInt]
    out_channels: PositiveInt
    kernel_size: PositiveInt = 3
    act_cfg: Any = {"type": "ReLU"}
    bias: bool | Literal["auto"] = "auto"
    num_outs: PositiveInt | None = None
