"""Necks, pyramids and detectors as files that other programs run: each is run and compared before anybody gets it.

Needs torch 2.13 or newer, and for ONNX ``pip install 'fpngraph[onnx]'``.
"""

from fpngraph.exporting.detectors import ExportedDetector, export_detector
from fpngraph.exporting.necks import Exported, export_neck
from fpngraph.exporting.program import ExportError
from fpngraph.exporting.pyramids import export_pyramid
from fpngraph.exporting.runtime import OnnxDetector, ProgramError
from fpngraph.exporting.torchvisions import ExportedTorchvision, export_torchvision

__all__ = [
    "ExportError",
    "Exported",
    "ExportedDetector",
    "ExportedTorchvision",
    "OnnxDetector",
    "ProgramError",
    "export_detector",
    "export_neck",
    "export_pyramid",
    "export_torchvision",
]
