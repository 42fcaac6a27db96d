"""Detectors and segmenters of transformers with a graph in them: as a backbone's neck, or as RT-DETR's encoder.

Importing it makes the classes known to transformers' ``Auto`` classes.
"""

from fpngraph.adapters.transformers.backbone import FPNGraphBackbone, FPNGraphConfig
from fpngraph.adapters.transformers.check import check
from fpngraph.adapters.transformers.detectors import (
    FPNGraphDFineConfig,
    FPNGraphDFineForObjectDetection,
    FPNGraphRTDetrConfig,
    FPNGraphRTDetrForObjectDetection,
    FPNGraphRTDetrV2Config,
    FPNGraphRTDetrV2ForObjectDetection,
)
from fpngraph.adapters.transformers.encoder import FPNGraphEncoder

__all__ = [
    "FPNGraphBackbone",
    "FPNGraphConfig",
    "FPNGraphDFineConfig",
    "FPNGraphDFineForObjectDetection",
    "FPNGraphEncoder",
    "FPNGraphRTDetrConfig",
    "FPNGraphRTDetrForObjectDetection",
    "FPNGraphRTDetrV2Config",
    "FPNGraphRTDetrV2ForObjectDetection",
    "check",
]
