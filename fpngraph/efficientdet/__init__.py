"""The detector EfficientDet as a client of the graphs, and the way from effdet's weights to ours."""

from fpngraph.efficientdet.anchors import anchor_boxes
from fpngraph.efficientdet.boxes import Detections, Original
from fpngraph.efficientdet.config import Config, ConfigError, config, names
from fpngraph.efficientdet.detection import Detector
from fpngraph.efficientdet.images import ImageError, open_image
from fpngraph.efficientdet.model import EfficientDet, Predictions, create

__all__ = [
    "Config",
    "ConfigError",
    "Detections",
    "Detector",
    "EfficientDet",
    "ImageError",
    "Original",
    "Predictions",
    "anchor_boxes",
    "config",
    "create",
    "names",
    "open_image",
]
