"""The detector EfficientDet as a client of the graphs, and the way from effdet's weights to ours."""

from fpngraph.efficientdet.config import Config, ConfigError, config, names
from fpngraph.efficientdet.heads import Head
from fpngraph.efficientdet.host import neck_of
from fpngraph.efficientdet.model import EfficientDet, create
from fpngraph.efficientdet.parts import Predictions

__all__ = ["Config", "ConfigError", "EfficientDet", "Head", "Predictions", "config", "create", "names", "neck_of"]
