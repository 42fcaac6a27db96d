"""Stages that join what each of their convolutions gives (ELAN, arXiv:2211.04800)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from fpngraph.ops.base import Operator
from fpngraph.ops.block import Block
from fpngraph.ops.blocks.bottlenecks import added
from fpngraph.ops.blocks.csp import MAX_EXPAND
from fpngraph.ops.blocks.rep import rep_vgg
from fpngraph.ops.registry import register
from fpngraph.ops.wiring import Chain, Concat, Grown, cna, numbered, part, share


@register
class Elan(Block):
    """``cv3(cat(yn, .., y1, cv2(x), cv1(x)))``, ``y1 = m1(cv2(x))``, ``yi = mi(y(i-1))``: ELAN, as in YOLOv7's neck.

    Of arXiv:2207.02696. ``cv1`` and ``cv2`` are 1x1 and give the channels of the whole, each ``m`` is 3x3 and gives
    half of these. The last result comes first, as in the order that the layers of YOLOv7's file are joined in. YOLOv7-X
    has ``depth: 2`` and ``expand: 0.8``, and no half.

    Names: ``cv1``, ``cv2``, the ``m`` and ``cv3`` are the layers of YOLOv7's file, one after the other.
    """

    name: ClassVar[str] = "elan"

    blocks: int = Field(default=4, ge=0, le=100, description="How many m, one after the other.")
    depth: int = Field(default=1, ge=1, le=10, description="How many 3x3 convolutions each m has.")
    expand: float = Field(
        default=1, gt=0, le=MAX_EXPAND, description="Channels of 'cv1' and 'cv2', as a share of those it gives."
    )
    half: bool = Field(default=True, description="Whether each m gives half of the channels of 'cv1', or as many.")

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        width = share(out_channels, self.expand)
        inner = part(width, 2) if self.half else width
        m = Grown(lists=numbered([cna(3, inner) * self.depth] * self.blocks), reverse=True)
        main = Chain(lists={"cv2": cna(1, width), "m": m})
        return {"split": Concat(lists={"main": main, "cv1": cna(1, width)}), "cv3": cna(1, out_channels)}


@register
class RepElan(Block):
    """``cv4(cat(a, b, cv2(b), cv3(cv2(b))))``, ``a, b`` the halves of ``cv1(x)`` (YOLOv9's RepNCSPELAN4).

    Of arXiv:2402.13616. ``cv2`` and ``cv3`` are a CSP stage, whose blocks are a RepVGG block without identity and a 3x3
    convolution, and a 3x3 convolution, of half of the channels of ``cv1``.

    Names: ``cv1``, ``cv4`` and ``m.cv2``, ``m.cv3`` are those of Ultralytics; in these ``csp`` is ``0`` and ``conv``
    ``1``, and in ``csp`` the names are those of a ``c3``. Of a RepVGG block ``branches.conv_kxk`` and
    ``branches.conv_1x1`` are ``conv1`` and ``conv2`` of its ``RepConv``.
    """

    name: ClassVar[str] = "rep_elan"

    blocks: int = Field(default=1, ge=0, le=100, description="How many blocks each of the two stages has.")
    shortcut: bool = Field(default=True, description="Whether each block adds the map that it takes.")
    expand: float = Field(
        default=1, gt=0, le=MAX_EXPAND, description="Channels of 'cv1', as a share of those it gives."
    )

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        width = share(out_channels, self.expand)
        half = 2 * part(width, 4, "works with")
        stage = Chain(lists={"csp": self._csp(half), "conv": cna(3, half)})
        m = Grown(lists={"cv2": stage, "cv3": stage}, start=half)
        return {"cv1": cna(1, width), "m": m, "cv4": cna(1, out_channels)}

    def _csp(self, channels: int) -> Operator:
        width = channels // 2
        block = added({"cv1": rep_vgg(width, identity=False), "cv2": cna(3, width)}, shortcut=self.shortcut)
        main = Chain(lists={"cv1": cna(1, width), "m": Chain(lists=numbered([block] * self.blocks))})
        return Chain(lists={"split": Concat(lists={"main": main, "cv2": cna(1, width)}), "cv3": cna(1, channels)})
