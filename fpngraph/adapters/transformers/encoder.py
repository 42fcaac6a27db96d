"""A graph as the encoder of RT-DETR and of those that follow it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from fpngraph.adapters.host import HostError
from fpngraph.adapters.transformers.graphs import WithNeck, keep_names
from fpngraph.errors import listed
from fpngraph.pyramid.plugged import Plugged, plug


class FPNGraphEncoder(WithNeck, PreTrainedModel):
    """The neck of ``config.graph`` between the projections and the decoder of an RT-DETR; ``neck.neck`` is it.

    It takes a map of ``encoder_hidden_dim`` channels for each of the first ``maps`` of ``feat_strides``, and gives one
    of ``decoder_in_channels`` for each of these, finest first.

    Shape: maps [B, C, H, W] to ``last_hidden_state``, a list of maps [B, C', H', W'].
    Raises GraphError for the graph, HostError where the decoder cannot take its maps.
    """

    _supports_sdpa = _supports_flash_attn = _supports_flex_attn = _supports_attention_backend = True  # nothing to do
    _no_split_modules = ("Neck",)

    def __init__(self, config: Any, maps: int) -> None:
        graph = config.settled()
        super().__init__(config)
        strides = list(config.feat_strides)[:maps]
        if len(strides) < maps:
            raise HostError(
                f"the backbone gives {maps} maps, but 'feat_strides' has {len(strides)}: a stride of each is required"
            )
        self.neck = plug(graph, dict.fromkeys(strides, config.encoder_hidden_dim), lean=config.lean)
        _check(self.neck, config)
        self.post_init()

    def forward(self, inputs_embeds: Sequence[Tensor], **_: Any) -> BaseModelOutput:
        return BaseModelOutput(last_hidden_state=list(self.neck(inputs_embeds)))


def _check(neck: Plugged, config: Any) -> None:
    """Raises HostError unless the decoder of ``config`` takes what the neck gives."""
    maps, widths, strides = len(neck.names), list(neck.out_channels), list(neck.out_strides)
    gives = f"the graph gives {maps} maps ({', '.join(neck.names)})"
    if widths != list(config.decoder_in_channels):
        raise HostError(
            f"{gives} of {listed(widths)} channels, but 'decoder_in_channels' is {listed(config.decoder_in_channels)}"
            "\n  hint: one number for each map; 'outputs' of the graph, or a 'graph.select(...)', say which there are"
        )
    for name in ("num_feature_levels", "decoder_n_levels"):
        if getattr(config, name, maps) < maps:
            raise HostError(f"{gives}, but {name!r} is {getattr(config, name)}: at least {maps} is required")
    if any(fine >= coarse for fine, coarse in pairwise(strides)):
        raise HostError(f"the maps of the graph have the strides {listed(strides)}, but must come finest first")
    told = list(config.feat_strides)[:maps]
    if config.anchor_image_size is not None and told != strides[: len(told)]:
        raise HostError(
            f"the maps of the graph have the strides {listed(strides)}, but 'feat_strides' is {listed(told)}, which "
            "the anchors for 'anchor_image_size' are made from"
        )


keep_names(FPNGraphEncoder.__name__)
