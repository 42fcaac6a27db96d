"""Training of any detector that gives a class map and a box map of every level: data, targets, losses, the loop.

``fit`` needs Lightning and pycocotools (``pip install 'fpngraph[train]'``) and is loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from fpngraph.training.coco import read_coco
from fpngraph.training.dataset import CocoData, DataError, DataProblem, Example
from fpngraph.training.losses import DetectionLoss, Losses
from fpngraph.training.saved import Saved, read_saved
from fpngraph.training.settings import Augmentation, SettingsError, TrainingSettings
from fpngraph.training.targets import BACKGROUND, Targets, assign

if TYPE_CHECKING:
    from fpngraph.training.evaluation import Evaluation, evaluate
    from fpngraph.training.loop import Fitted, fit
    from fpngraph.training.module import DetectionModule, DivergedError

_LATE = {
    "Evaluation": "evaluation",
    "evaluate": "evaluation",
    "Fitted": "loop",
    "fit": "loop",
    "DetectionModule": "module",
    "DivergedError": "module",
}

__all__ = [
    "BACKGROUND",
    "Augmentation",
    "CocoData",
    "DataError",
    "DataProblem",
    "DetectionLoss",
    "DetectionModule",
    "DivergedError",
    "Evaluation",
    "Example",
    "Fitted",
    "Losses",
    "Saved",
    "SettingsError",
    "Targets",
    "TrainingSettings",
    "assign",
    "evaluate",
    "fit",
    "read_coco",
    "read_saved",
]


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
