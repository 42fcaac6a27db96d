"""RT-DETR, RT-DETRv2 and D-FINE with a graph in the place of their encoder."""

from __future__ import annotations

from typing import Any

from transformers import (
    AutoConfig,
    AutoModelForObjectDetection,
    DFineConfig,
    DFineForObjectDetection,
    RTDetrConfig,
    RTDetrForObjectDetection,
    RTDetrV2Config,
    RTDetrV2ForObjectDetection,
)
from transformers.conversion_mapping import get_checkpoint_conversion_mapping, register_checkpoint_conversion_mapping

from fpngraph.adapters.host import HostError
from fpngraph.adapters.transformers.encoder import FPNGraphEncoder
from fpngraph.adapters.transformers.graphs import WithGraph


class FPNGraphRTDetrConfig(WithGraph, RTDetrConfig):
    """RT-DETR's configuration with ``graph``, ``preset``, ``params`` and ``lean``, those of ``fpngraph.plug``."""

    model_type = "fpngraph_rt_detr"


class FPNGraphRTDetrV2Config(WithGraph, RTDetrV2Config):
    """RT-DETRv2's configuration with ``graph``, ``preset``, ``params`` and ``lean``, those of ``fpngraph.plug``."""

    model_type = "fpngraph_rt_detr_v2"


class FPNGraphDFineConfig(WithGraph, DFineConfig):
    """D-FINE's configuration with ``graph``, ``preset``, ``params`` and ``lean``, those of ``fpngraph.plug``."""

    model_type = "fpngraph_d_fine"


class _WithEncoder:
    """Part of a detector: ``model.encoder`` is a :class:`FPNGraphEncoder`."""

    model: Any

    def __init__(self, config: Any) -> None:
        super().__init__(config)  # type: ignore[call-arg]  # of the detector that this is a part of
        self.model.encoder = FPNGraphEncoder(config, len(self.model.encoder_input_proj))


class FPNGraphRTDetrForObjectDetection(_WithEncoder, RTDetrForObjectDetection):
    """RT-DETR with a graph as its encoder; everything else, weights included, is RT-DETR's.

    >>> config = FPNGraphRTDetrConfig(graph="rtdetr", params={"projection": []})
    >>> model = FPNGraphRTDetrForObjectDetection(config)
    >>> outputs = model(pixel_values)

    Raises GraphError for the graph, HostError where it and the rest of the configuration do not fit.
    """

    config_class = FPNGraphRTDetrConfig


class FPNGraphRTDetrV2ForObjectDetection(_WithEncoder, RTDetrV2ForObjectDetection):
    """RT-DETRv2 with a graph as its encoder, as :class:`FPNGraphRTDetrForObjectDetection`."""

    config_class = FPNGraphRTDetrV2Config


class FPNGraphDFineForObjectDetection(_WithEncoder, DFineForObjectDetection):
    """D-FINE with a graph as its encoder, as :class:`FPNGraphRTDetrForObjectDetection`."""

    config_class = FPNGraphDFineConfig

    def __init__(self, config: Any) -> None:
        given, read = len(config.backbone_config.out_indices), len(config.decoder_in_channels)
        if given != read:
            raise HostError(
                f"the backbone gives {given} maps and 'decoder_in_channels' is for {read}, but D-FINE requires as many "
                "of the one as of the other"
            )
        super().__init__(config)


for _theirs, _config, _detector in (
    (RTDetrConfig, FPNGraphRTDetrConfig, FPNGraphRTDetrForObjectDetection),
    (RTDetrV2Config, FPNGraphRTDetrV2Config, FPNGraphRTDetrV2ForObjectDetection),
    (DFineConfig, FPNGraphDFineConfig, FPNGraphDFineForObjectDetection),
):
    AutoConfig.register(_config.model_type, _config, exist_ok=True)
    AutoModelForObjectDetection.register(_config, _detector, exist_ok=True)
    # Published checkpoints have older names of weights, and models are saved with those again.
    _names = get_checkpoint_conversion_mapping(_theirs.model_type) or []
    register_checkpoint_conversion_mapping(_config.model_type, _names, overwrite=True)
