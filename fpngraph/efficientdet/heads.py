"""The heads of the detector: small networks that read every level of the pyramid (arXiv:1911.09070 Sec. 4.1)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from torch import Tensor, nn

from fpngraph.efficientdet.config import Config, operator
from fpngraph.feature import Feature
from fpngraph.layers.conv import SeparableConv2d
from fpngraph.layers.layout import run
from fpngraph.ops import Operator, Site
from fpngraph.ops.init import EffdetAlt

PRIOR = 0.01
"""The score of every class at every place before training (focal loss, arXiv:1708.02002 Sec. 3.3)."""


class Head(nn.Module):
    """Convolutions that all levels share, each followed by a norm of the level's own and an activation.

    ``levels`` are the names of the maps; ``outputs`` is what there is per anchor: a logit per class, or the 4 numbers
    of a box. With ``prior`` the predictor starts at that probability.

    Shape: by name, maps [B, channels, H, W] to maps [B, anchors * outputs, H, W], anchor by anchor.
    """

    def __init__(
        self, config: Config, channels: int, levels: Iterable[str], *, outputs: int, prior: float | None = None
    ) -> None:
        super().__init__()
        self.channels, self.outputs, self.prior = channels, outputs, prior
        self.levels = tuple(levels)
        self.conv_op, self.norm_op = operator("layer", config.conv), operator("norm", config.norm)
        self.act_op = operator("act", config.head_act or config.act)
        feature = Feature(0, channels)  # of whatever level
        self.convs = nn.ModuleList(self._conv(channels, bias=config.conv_bias) for _ in range(config.head_repeats))
        self.norms = nn.ModuleList(
            nn.ModuleDict({level: self.norm_op.made((feature,), Site()) for level in self.levels}) for _ in self.convs
        )
        self.act = self.act_op.made((feature,), Site())
        self.predict = self._predictor(config)
        for conv in self.convs:
            _reset(conv, config)

    def forward(self, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {level: self._level(level, maps[level]) for level in self.levels}

    def _level(self, level: str, x: Tensor) -> Tensor:
        for _, module in self.steps(level):
            x = run(module, x)
        return x

    def steps(self, level: str) -> Iterator[tuple[Operator, nn.Module]]:
        """What is done to the map of a level: each operator with its module."""
        for conv, norms in zip(self.convs, self.norms, strict=True):
            assert isinstance(norms, nn.ModuleDict)
            yield self.conv_op, conv
            yield self.norm_op, norms[level]
            yield self.act_op, self.act
        yield self.conv_op, self.predict

    def reset_predictor(self, config: Config, *, outputs: int) -> None:
        """Start with a new predictor, for the anchors of ``config``, on the old one's device and in its type."""
        self.outputs = outputs
        self.predict = self._predictor(config).to(next(self.predict.parameters()))

    def _predictor(self, config: Config) -> nn.Module:
        predict = self._conv(config.num_anchors * self.outputs, bias=True)
        _reset(predict, config)
        if self.prior is not None:
            for part in predict.modules():
                if isinstance(part, nn.Conv2d) and part.bias is not None:
                    nn.init.constant_(part.bias, -math.log((1 - self.prior) / self.prior))
        return predict

    def _conv(self, out_channels: int, *, bias: bool) -> nn.Module:
        return self.conv_op.made((Feature(0, self.channels),), Site(out_channels, bias=bias))


def _reset(conv: nn.Module, config: Config) -> None:
    """Weights as effdet starts those of its heads: of variance 1 / fan_in where separable, of 0.01 ^ 2 where not."""
    for part in conv.modules():
        if config.init == "effdet_alt":
            EffdetAlt().apply(part)
        elif isinstance(part, nn.Conv2d):
            fan_in = part.weight[0].numel()
            nn.init.normal_(part.weight, std=fan_in**-0.5 if isinstance(conv, SeparableConv2d) else 0.01)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
