"""The detector EfficientDet as a client of the graphs, and the way from effdet's weights to ours."""

from fpngraph.detection.anchors import anchor_boxes
from fpngraph.detection.boxes import Detections, Original, Predictions
from fpngraph.detection.detector import Detector
from fpngraph.detection.images import ImageError, open_image
from fpngraph.efficientdet.by_name import DownloadError, create, load_pretrained
from fpngraph.efficientdet.config import Config, ConfigError, config, names
from fpngraph.efficientdet.heads import Head
from fpngraph.efficientdet.host import neck_of
from fpngraph.efficientdet.model import EfficientDet
from fpngraph.efficientdet.unmatched import UnmatchedWarning
from fpngraph.efficientdet.weights import effdet_state, load_effdet, save_effdet
from fpngraph.weights.state import StateError

__all__ = [
    "Config",
    "ConfigError",
    "Detections",
    "Detector",
    "DownloadError",
    "EfficientDet",
    "Head",
    "ImageError",
    "Original",
    "Predictions",
    "StateError",
    "UnmatchedWarning",
    "anchor_boxes",
    "config",
    "create",
    "effdet_state",
    "load_effdet",
    "load_pretrained",
    "names",
    "neck_of",
    "open_image",
    "save_effdet",
]
