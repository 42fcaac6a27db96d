"""Training of any detector that gives a class map and a box map of every level: data, targets and losses."""

from fpngraph.training.coco import read_coco
from fpngraph.training.dataset import Category, CocoData, DataError, DataProblem, Example
from fpngraph.training.losses import DetectionLoss, Losses
from fpngraph.training.targets import BACKGROUND, Targets, assign

__all__ = [
    "BACKGROUND",
    "Category",
    "CocoData",
    "DataError",
    "DataProblem",
    "DetectionLoss",
    "Example",
    "Losses",
    "Targets",
    "assign",
    "read_coco",
]
