"""A backbone of transformers with a neck on it, as a backbone."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from transformers import AutoBackbone, AutoConfig, PreTrainedConfig, PreTrainedModel
from transformers.backbone_utils import BackboneConfigMixin, BackboneMixin
from transformers.configuration_utils import SubConfigSpec
from transformers.modeling_outputs import BackboneOutput

from fpngraph.adapters.host import HostError
from fpngraph.adapters.transformers.graphs import WithGraph, WithNeck, keep_names
from fpngraph.layers.norm import keep_batch_norms
from fpngraph.pyramid.plugged import plug

SIDE_PX = 224
"""Of the image that strides are worked out with, where a backbone does not say for what size it is."""


class FPNGraphConfig(WithGraph, BackboneConfigMixin, PreTrainedConfig):
    """A backbone, and a graph for its maps: ``model_type`` is ``"fpngraph"``.

    ``backbone_config`` is the configuration of any backbone, whose ``out_features`` or ``out_indices`` say what the
    graph may take. ``graph``, ``preset``, ``params`` and ``lean`` are those of ``fpngraph.plug``. ``out_features``
    or ``out_indices`` choose among the outputs of the graph, which are the ``stage_names``; by default all are given.

    Raises GraphError for the graph, HostError where none is named.
    """

    model_type = "fpngraph"
    sub_configs_defaults: ClassVar[dict[str, Any]] = {
        "backbone_config": SubConfigSpec(AutoConfig, model_type="resnet", optional=True)
    }

    backbone_config: dict[str, Any] | PreTrainedConfig | None = None

    def __post_init__(self, out_features: Any = None, out_indices: Any = None, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)
        self.stage_names = list(self.settled().outputs)
        if out_features is None and out_indices is None:
            out_features = self.stage_names
        self.set_output_features_output_indices(out_features, out_indices)


class FPNGraphBackbone(WithNeck, BackboneMixin, PreTrainedModel):
    """The maps of a backbone through a neck; ``backbone`` is transformers' own, ``neck.neck`` what the graph makes.

    The graph is cut down to ``config.out_features``. ``channels`` and ``out_strides`` have an entry for each of them.
    Hosts that freeze the batch norms of their backbone freeze those of ``backbone`` alone.

    >>> config = FPNGraphConfig(backbone_config=ResNetConfig(out_indices=[2, 3, 4]), graph="bifpn")
    >>> backbone = AutoBackbone.from_config(config)

    Shape: images [B, C, H, W] to ``feature_maps``, a tuple of maps [B, C', H', W'].
    Raises GraphError for the graph, and where the backbone has no map of a stride that it takes.
    """

    config_class = FPNGraphConfig
    main_input_name = "pixel_values"
    input_modalities = ("image",)
    has_attentions = False
    _supports_sdpa = _supports_flash_attn = _supports_flex_attn = _supports_attention_backend = True  # the backbone's
    _no_split_modules = ("Neck",)

    def __init__(self, config: FPNGraphConfig) -> None:
        graph = config.settled()
        super().__init__(config)
        have = _maps(config.backbone_config)
        with torch.device("meta"):
            self.num_features = list(plug(graph, have).out_channels)
        self.backbone = AutoBackbone.from_config(config.backbone_config)
        self.neck = plug(graph, have, outputs=config.out_features, lean=config.lean)
        self.out_strides = self.neck.out_strides
        keep_batch_norms(self.neck)
        self.post_init()

    def forward(self, pixel_values: Tensor, return_dict: bool | None = None, **_: Any) -> Any:
        given = BackboneOutput(feature_maps=tuple(self.neck(self.backbone(pixel_values).feature_maps)))
        return given.to_tuple() if return_dict is False else given


def _maps(config: Any) -> list[tuple[int, int]]:
    """Stride and channels of each map that a backbone gives, worked out without any memory."""
    if config is None:
        raise HostError("the configuration has no 'backbone_config', but that of the backbone is required")
    side = getattr(config, "image_size", None) or SIDE_PX
    side = side if isinstance(side, int) else min(side)
    with torch.device("meta"), torch.no_grad():
        backbone = AutoBackbone.from_config(config).eval()
        maps = backbone(torch.empty(1, config.num_channels, side, side, dtype=backbone.dtype)).feature_maps
    return [(side // x.shape[-1], channels) for x, channels in zip(maps, backbone.channels, strict=True)]


AutoConfig.register(FPNGraphConfig.model_type, FPNGraphConfig, exist_ok=True)
AutoBackbone.register(FPNGraphConfig, FPNGraphBackbone, exist_ok=True)
keep_names(FPNGraphBackbone.__name__)
