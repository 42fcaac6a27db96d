"""Training of any detector that gives a class map and a box map of every level: targets and losses."""

from fpngraph.training.losses import DetectionLoss, Losses
from fpngraph.training.targets import BACKGROUND, Targets, assign

__all__ = ["BACKGROUND", "DetectionLoss", "Losses", "Targets", "assign"]
