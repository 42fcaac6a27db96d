"""What detectors of every kind need beside their network: images in, anchors, boxes out, pictures, and COCO's files."""

from fpngraph.detection.anchors import Anchors, anchor_boxes
from fpngraph.detection.boxes import Detections, Original, Predictions, Suppression
from fpngraph.detection.coco import Category
from fpngraph.detection.detector import DetectionModel, Detector
from fpngraph.detection.images import ImageError, Normalization, open_image

__all__ = [
    "Anchors",
    "Category",
    "DetectionModel",
    "Detections",
    "Detector",
    "ImageError",
    "Normalization",
    "Original",
    "Predictions",
    "Suppression",
    "anchor_boxes",
    "open_image",
]
