"""Residual blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from fpngraph.ops.base import Operator
from fpngraph.ops.block import Block
from fpngraph.ops.registry import register
from fpngraph.ops.wiring import Chain, Residual, cn, cna, numbered


@register
class BasicBlock(Block):
    """``act(x + conv2(conv1(x)))``, both 3x3, some times over (ResNet, arXiv:1512.03385 Sec. 4.1; AFPN).

    Names: ``0.residual.conv1`` and ``0.residual.conv2`` are ``conv1``, ``bn1`` and ``conv2``, ``bn2`` of torchvision's
    ``BasicBlock``.
    """

    name: ClassVar[str] = "basic_block"

    blocks: int = Field(default=1, ge=1, le=100, description="How many, one after the other.")

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        residual = Residual(lists={"conv1": cna(3, out_channels), "conv2": cn(3, out_channels)})
        return numbered([Chain(lists={"residual": residual, "act": ["act"]})] * self.blocks)
