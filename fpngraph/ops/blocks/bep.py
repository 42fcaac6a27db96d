"""Stages of RepVGG blocks in pairs, each with a learned share of its map (YOLOv6, arXiv:2209.02976 Sec. 2.1.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from fpngraph.feature import Feature, Size
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Cost, Layer, Operator, Site
from fpngraph.ops.block import Block
from fpngraph.ops.blocks.csp import MAX_BLOCKS, MAX_EXPAND
from fpngraph.ops.blocks.rep import rep_vgg
from fpngraph.ops.plain import made_of
from fpngraph.ops.registry import register
from fpngraph.ops.wiring import Chain, Concat, Sum, cna, numbered, share

if TYPE_CHECKING:
    from torch import nn


class Scale(Layer):
    """The map times one learned number."""

    name: ClassVar[str] = "scale"
    modules = ("fpngraph.layers.scale.Scale",)
    layout = "any"

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        return Cost(1, 0)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return made_of(self)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new", commutes="always"),)


@register
class BepC3(Block):
    """``cv3(cat(m(cv1(x)), cv2(x)))``, the blocks ``m`` two RepVGG blocks and a shortcut each (YOLOv6's CSPStackRep).

    Of arXiv:2209.02976 Sec. 2.1.1. A block is ``conv2(conv1(y)) + alpha * y``, ``alpha`` a learned number, 1 at the
    start. With ``block: conv`` both are a 3x3 convolution, as in YOLOv6-L.

    Names: ``split.main.cv1``, ``split.cv2`` and ``cv3`` are ``cv1``, ``cv2`` and ``cv3`` of the authors' code,
    ``split.main.m.0`` is its ``m.conv1`` and ``m.1``, ``m.2``, .. its ``m.block.0``, ``m.block.1``, ..; in these
    ``main.conv1`` and ``main.conv2`` are ``conv1`` and ``conv2``, and ``shortcut.weight`` is ``alpha``.
    """

    name: ClassVar[str] = "bep_c3"

    blocks: int = Field(default=1, ge=0, le=MAX_BLOCKS, description="How many blocks, one after the other.")
    expand: float = Field(
        default=0.5, gt=0, le=MAX_EXPAND, description="Channels of a block, as a share of those it gives."
    )
    block: Literal["rep_vgg", "conv"] = Field(default="rep_vgg", description="What a block has two of.")

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        width = share(out_channels, self.expand)
        m = Chain(lists=numbered([self._pair(width)] * self.blocks))
        main = Chain(lists={"cv1": cna(1, width), "m": m})
        return {"split": Concat(lists={"main": main, "cv2": cna(1, width)}), "cv3": cna(1, out_channels)}

    def _pair(self, width: int) -> Operator:
        one = cna(3, width) if self.block == "conv" else rep_vgg(width, identity=True)
        return Sum(lists={"main": Chain(lists={"conv1": one, "conv2": one}), "shortcut": Scale()})
