"""Blocks of parallel convolutions that are one in inference (RepVGG, arXiv:2101.03697), and stages of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from fpngraph.ops.base import Operator
from fpngraph.ops.block import Block
from fpngraph.ops.registry import register
from fpngraph.ops.wiring import Chain, Concat, Grown, Residual, Sum, cn, cna, numbered, part, share


def rep_vgg(channels: int, *, identity: bool) -> Operator:
    """``act(norm(conv3x3(x)) + norm(conv1x1(x)))``, with ``identity`` and ``norm(x)``."""
    branches: dict[str, Any] = {"conv_kxk": cn(3, channels), "conv_1x1": cn(1, channels)}
    if identity:
        branches["identity"] = ["norm"]
    return Chain(lists={"branches": Sum(lists=branches), "act": ["act"]})


@register
class RepVgg(Block):
    """``act(norm(conv3x3(x)) + norm(conv1x1(x)) + norm(x))``, some times over (RepVGG, arXiv:2101.03697 Sec. 3.2).

    ``norm(x)`` only where the channels stay.

    Names: ``0.branches.conv_kxk``, ``conv_1x1`` and ``identity`` are those of timm's ``RepVggBlock``, and
    ``rbr_dense``, ``rbr_1x1`` and ``rbr_identity`` of the paper's code.
    """

    name: ClassVar[str] = "rep_vgg"

    blocks: int = Field(default=1, ge=1, le=100, description="How many, one after the other.")

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        given = [in_channels, *[out_channels] * (self.blocks - 1)]
        return numbered([rep_vgg(out_channels, identity=it == out_channels) for it in given])


@register
class CspRep(Block):
    """``cv3(m(cv1(x)) + cv2(x))``, ``m`` RepVGG blocks without identity; no ``cv3`` if ``expand`` is 1 (RT-DETR).

    Of arXiv:2304.08069 Sec. 4.2.

    Names: ``sum.main.cv1``, ``sum.main.m.0``, ``sum.cv2`` and ``cv3`` are ``conv1``, ``bottlenecks.0``, ``conv2`` and
    ``conv3`` of transformers, ``conv_kxk`` and ``conv_1x1`` its ``conv1`` and ``conv2``.
    """

    name: ClassVar[str] = "csp_rep"

    blocks: int = Field(default=3, ge=0, le=100, description="How many blocks, one after the other.")
    expand: float = Field(default=1.0, gt=0, le=16, description="Channels of the blocks, as a share of those it gives.")

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        width = share(out_channels, self.expand)
        m = Chain(lists=numbered([rep_vgg(width, identity=False)] * self.blocks))
        main = Chain(lists={"cv1": cna(1, width), "m": m})
        cv3 = {} if width == out_channels else {"cv3": cna(1, out_channels)}
        return {"sum": Sum(lists={"main": main, "cv2": cna(1, width)}), **cv3}


@register
class CspStage(Block):
    """``conv3(cat(conv1(x), y1, .., yn))``, ``y0 = conv2(x)``, ``yi = y + conv3x3(rep_vgg(y))``, y the one before.

    Of DAMO-YOLO (arXiv:2211.15444 Sec. 2.2); its RepVGG blocks have no identity. conv1, conv2 give half the channels.

    Names, as ours is theirs: ``split.conv1`` is ``conv1``, ``split.main.conv2`` ``conv2``, ``split.main.first``
    ``convs.0``, ``split.main.convs.1`` ``convs.1`` and so on, ``conv3`` ``conv3``. In a block ``rep`` is ``conv2``,
    ``conv1`` ``conv1``; in that ``conv_kxk`` and ``conv_1x1`` are ``rbr_dense`` and ``rbr_1x1``.
    """

    name: ClassVar[str] = "csp_stage"

    blocks: int = Field(default=1, ge=1, le=100, description="How many blocks, one after the other.")
    expand: float = Field(default=1.0, gt=0, le=16, description="Inner channels of a block, as a share of its own.")

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        half = part(out_channels, 2)
        block = Residual(lists={"rep": rep_vgg(share(half, self.expand), identity=False), "conv1": cna(3, half)})
        later = Grown(lists={str(number): block for number in range(1, self.blocks)})
        main = Chain(lists={"conv2": cna(1, half), "first": block, "convs": later})
        return {"split": Concat(lists={"conv1": cna(1, half), "main": main}), "conv3": cna(1, out_channels)}


@register
class PpStage(Block):
    """``conv3(cat(conv1(x), m(conv2(x))))`` (PP-YOLOE, arXiv:2203.16250 Sec. 2.1).

    ``m`` are the blocks, a 3x3 convolution and a RepVGG block without identity each; with ``spp`` the pooling of 5, 9
    and 13 pixels and a 1x1 convolution after the middle one. All work with half of the channels. The map that no block
    has worked on comes first, where a ``c3`` has it last.

    Names, as ours is theirs: ``split.conv1``, ``split.main.conv2`` and ``conv3`` are ``conv1``, ``conv2`` and ``conv3``
    of super-gradients, ``split.main.convs.0.conv1``, ``convs.0.conv2`` and ``convs.spp`` its ``convs.0.conv1`` and so
    on; ``branches.conv_kxk`` and ``branches.conv_1x1`` are ``branch_3x3`` and ``branch_1x1``.
    """

    name: ClassVar[str] = "pp_stage"

    blocks: int = Field(default=1, ge=1, le=100, description="How many blocks, one after the other.")
    spp: bool = Field(default=False, description="Whether windows of several sizes are pooled after the middle block.")

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        half = part(out_channels, 2)
        convs: dict[str, Any] = {}
        for number in range(self.blocks):
            convs[str(number)] = Chain(lists={"conv1": cna(3, half), "conv2": rep_vgg(half, identity=False)})
            if self.spp and number == (self.blocks - 1) // 2:
                convs["spp"] = ["spp", *cna(1, half)]
        main = Chain(lists={"conv2": cna(1, half), "convs": Chain(lists=convs)})
        return {"split": Concat(lists={"conv1": cna(1, half), "main": main}), "conv3": cna(1, out_channels)}
