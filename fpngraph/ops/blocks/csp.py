"""Stages that split a map, refine one part step by step, and join the parts (CSPNet, arXiv:1911.11929)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from fpngraph.ops.base import Operator
from fpngraph.ops.block import Block
from fpngraph.ops.blocks.bottlenecks import bottleneck, compact_inverted, cspnext, ghost
from fpngraph.ops.blocks.psa import psa
from fpngraph.ops.registry import register
from fpngraph.ops.wiring import Chain, Concat, Grown, cna, numbered, share

MAX_BLOCKS = 100
MAX_EXPAND = 16


class _Stage(Block):
    blocks: int = Field(default=1, ge=0, le=MAX_BLOCKS, description="How many blocks, one after the other.")
    shortcut: bool = Field(default=False, description="Whether each block adds the map that it takes.")
    expand: float = Field(
        default=0.5, gt=0, le=MAX_EXPAND, description="Channels of a block, as a share of those it gives."
    )


@register
class C3(_Stage):
    """``cv3(cat(m(cv1(x)), cv2(x)))`` (CSPNet, arXiv:1911.11929, as YOLOv5, YOLOX and RTMDet have it).

    ``m`` are the blocks: ``bottleneck`` is a 1x1 and a 3x3 convolution (YOLOv5, YOLOX), ``bottleneck33`` two of 3x3
    (YOLO11's C3k), ``cspnext`` a 3x3 and a separable 5x5 one (RTMDet, arXiv:2212.07784), ``ghost`` two ghost modules by
    way of half of the channels (arXiv:1911.11907).

    Names, as ours is theirs: ``split.main.cv1`` is Ultralytics' ``cv1``, ``split.main.m.0`` its ``m.0``, ``split.cv2``
    its ``cv2``, ``cv3`` its ``cv3``; for mmdet ``main_conv``, ``blocks.0``, ``short_conv`` and ``final_conv``.
    """

    name: ClassVar[str] = "c3"

    block: Literal["bottleneck", "bottleneck33", "cspnext", "ghost"] = Field(
        default="bottleneck", description="What is repeated."
    )

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        return c3(out_channels, share(out_channels, self.expand), self.block, self.blocks, shortcut=self.shortcut)


def c3(channels: int, width: int, block: str, blocks: int, *, shortcut: bool) -> Mapping[str, Sequence[Any] | Operator]:
    """The lists of a ``c3``, whose blocks have ``width`` channels."""
    kinds: Mapping[str, Callable[[], Operator]] = {
        "bottleneck": lambda: bottleneck(width, (1, 3), width, shortcut=shortcut),
        "bottleneck33": lambda: bottleneck(width, (3, 3), width, shortcut=shortcut),
        "cspnext": lambda: cspnext(width, shortcut=shortcut),
        "ghost": lambda: ghost(width, shortcut=shortcut),
    }
    m = Chain(lists=numbered([kinds[block]() for _ in range(blocks)]))
    main = Chain(lists={"cv1": cna(1, width), "m": m})
    return {"split": Concat(lists={"main": main, "cv2": cna(1, width)}), "cv3": cna(1, channels)}


@register
class C2f(_Stage):
    """``cv2(cat(a, b, y1, .., yn))``, ``a, b`` the halves of ``cv1(x)``, ``y1 = m1(b)``, ``y2 = m2(y1)``, .. (YOLOv8).

    The blocks ``m``: ``bottleneck`` is two 3x3 convolutions, ``narrow`` the same by way of half of the channels, ``c3``
    a ``c3`` of two ``bottleneck33`` (the two of YOLO11's and YOLO26's C3k2), ``cib`` and ``large_cib`` a ``cib``
    that keeps its channels (YOLOv10's C2fCIB, arXiv:2405.14458), ``attention`` a ``narrow`` and a PSA block (YOLO26's
    C3k2 with attention). A PSA block adds to its map what each pixel sees of all others, with a head for every 64
    channels and half as many of queries and keys as of values, and then two 1x1 convolutions.

    Names: ``cv1``, ``m.0`` and ``cv2`` are those of Ultralytics; so are those of a PSA block, but for ``sum.pe``.
    """

    name: ClassVar[str] = "c2f"

    block: Literal["bottleneck", "narrow", "c3", "cib", "large_cib", "attention"] = Field(
        default="bottleneck", description="What is repeated."
    )

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        width = share(out_channels, self.expand)
        m = Grown(lists=numbered([self._block(width) for _ in range(self.blocks)]), start=width)
        return {"cv1": cna(1, 2 * width), "m": m, "cv2": cna(1, out_channels)}

    def _block(self, width: int) -> Operator:
        if self.block == "c3":
            return Chain(lists=c3(width, share(width, 0.5), "bottleneck33", 2, shortcut=self.shortcut))
        if self.block == "bottleneck":
            return bottleneck(width, (3, 3), width, shortcut=self.shortcut)
        if self.block in ("narrow", "attention"):
            narrow = bottleneck(width, (3, 3), share(width, 0.5), shortcut=self.shortcut)
            return narrow if self.block == "narrow" else Chain(lists={"bottleneck": narrow, "psa": psa(width)})
        return compact_inverted(width, width, 2 * width, large=self.block == "large_cib", shortcut=self.shortcut)


@register
class A2C2f(_Stage):
    """``cv2(cat(y0, y1, .., yn))``, ``y0 = cv1(x)``, ``yi = mi(y(i-1))``: YOLO12 (arXiv:2502.12524) without attention.

    The blocks ``m`` are a ``c3`` of two ``bottleneck33`` each.

    Names: ``cv1``, ``m.0`` and ``cv2`` are those of Ultralytics.
    """

    name: ClassVar[str] = "a2c2f"

    shortcut: bool = Field(default=True, description="Whether each convolution block of a 'c3' adds the map it takes.")

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        width = share(out_channels, self.expand)
        lists = c3(width, share(width, 0.5), "bottleneck33", 2, shortcut=self.shortcut)
        m = Grown(lists=numbered([Chain(lists=lists)] * self.blocks))
        return {"cv1": cna(1, width), "m": m, "cv2": cna(1, out_channels)}


@register
class SppCspc(Block):
    """``cv7(cat(cv6(cv5(spp(cv4(cv3(cv1(x)))))), cv2(x)))``, ``cv3`` and ``cv6`` 3x3 (YOLOv7, arXiv:2207.02696).

    ``spp`` joins the map and its maxima in windows of 5, 9 and 13 pixels (arXiv:1406.4729). All but ``cv5`` and ``cv7``
    keep the channels that ``cv1`` gives.

    Names: ``cv1`` to ``cv7`` are those of the authors' code.
    """

    name: ClassVar[str] = "sppcspc"

    expand: float = Field(
        default=1, gt=0, le=MAX_EXPAND, description="Channels of all but 'cv7', as a share of those it gives."
    )

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        width = share(out_channels, self.expand)
        convs = {"cv1": cna(1, width), "cv3": cna(3, width), "cv4": cna(1, width)}
        main = Chain(lists={**convs, "spp": ["spp"], "cv5": cna(1, width), "cv6": cna(3, width)})
        return {"split": Concat(lists={"main": main, "cv2": cna(1, width)}), "cv7": cna(1, out_channels)}
