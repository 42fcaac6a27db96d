"""The detector EfficientDet as a client of the graphs, and the way from effdet's weights to ours."""

from fpngraph.efficientdet.config import Config, ConfigError, config, names
from fpngraph.efficientdet.model import EfficientDet, Predictions, create
from fpngraph.efficientdet.weights import effdet_state, load_effdet, save_effdet

__all__ = [
    "Config",
    "ConfigError",
    "EfficientDet",
    "Predictions",
    "config",
    "create",
    "effdet_state",
    "load_effdet",
    "names",
    "save_effdet",
]
