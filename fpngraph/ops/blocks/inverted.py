"""Blocks of depthwise convolutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from fpngraph.ops.base import Operator
from fpngraph.ops.block import Block
from fpngraph.ops.blocks.bottlenecks import compact_inverted
from fpngraph.ops.registry import register
from fpngraph.ops.wiring import share


@register
class Cib(Block):
    """``x + f(x)``, f depthwise 3x3, 1x1, depthwise, 1x1, depthwise 3x3, each with norm and activation (YOLOv10).

    A compact inverted block (arXiv:2405.14458 Sec. 3.2). The middle one is 3x3 or, with ``large``, a 7x7 and a 3x3
    depthwise convolution that are added.

    Names: ``block.cv1`` to ``block.cv5`` are ``cv1.0`` to ``cv1.4`` of Ultralytics, ``branches.conv`` and
    ``branches.conv1`` in a large ``cv3`` its ``conv`` and ``conv1``.
    """

    name: ClassVar[str] = "cib"

    large: bool = Field(default=False, description="Whether the middle convolution is one of 7x7 too.")
    shortcut: bool = Field(default=True, description="Whether the map is added; it has the channels it gives then.")
    expand: float = Field(default=0.5, gt=0, le=16, description="Inner channels, as a share of twice those it gives.")

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        hidden = 2 * share(out_channels, self.expand)
        block = compact_inverted(in_channels, out_channels, hidden, large=self.large, shortcut=self.shortcut)
        return {"block": block}
