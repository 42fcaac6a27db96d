"""The detector EfficientDet as a client of the graphs, and the way from effdet's weights to ours."""

from fpngraph.efficientdet.by_name import DownloadError, create, load_pretrained
from fpngraph.efficientdet.config import Config, ConfigError, config, names
from fpngraph.efficientdet.heads import Head
from fpngraph.efficientdet.host import neck_of
from fpngraph.efficientdet.model import EfficientDet
from fpngraph.efficientdet.recipes import from_recipe, recipe
from fpngraph.efficientdet.unmatched import UnmatchedWarning
from fpngraph.efficientdet.weights import effdet_state, load_effdet, save_effdet

__all__ = [
    "Config",
    "ConfigError",
    "DownloadError",
    "EfficientDet",
    "Head",
    "UnmatchedWarning",
    "config",
    "create",
    "effdet_state",
    "from_recipe",
    "load_effdet",
    "load_pretrained",
    "names",
    "neck_of",
    "recipe",
    "save_effdet",
]
