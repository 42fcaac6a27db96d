"""Attention of all pixels to each other inside of a block (PSA, YOLOv10, arXiv:2405.14458 Sec. 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveInt

from fpngraph.feature import Feature, Size
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Cost, Layer, Operator, Site
from fpngraph.ops.plain import Plain, made_of
from fpngraph.ops.wiring import Chain, Residual, Sum, cn, cna, part

if TYPE_CHECKING:
    from torch import nn

_HEAD_CHANNELS = 64


class _OfHeads(Layer):
    """What takes queries, keys and values of pixels, head after head, and gives as many channels as values have."""

    layout = "any"

    heads: PositiveInt = Field(description="Heads of attention.")
    key: PositiveInt = Field(description="Channels of a head's queries, and of its keys.")

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        (feature,) = inputs
        return feature._replace(channels=feature.channels - 2 * self.heads * self.key)


class Seen(_OfHeads):
    """The mean of the values of all pixels, each weighed by how well its key fits a pixel's query."""

    name: ClassVar[str] = "seen"
    modules = ("fpngraph.layers.psa.Seen",)

    scale: bool = Field(default=True, description="Whether fit is divided by the root of a query's channels.")

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        pixels = size_in.height * size_in.width
        return Cost(0, (inputs[0].channels - self.heads * self.key) * pixels**2)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return made_of(self, self.heads, self.key, scale=self.scale)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new"),)


class Values(Plain, _OfHeads):
    """The values themselves."""

    name: ClassVar[str] = "values"
    modules = ("fpngraph.layers.psa.Values",)


def psa(channels: int) -> Operator:
    """Attention with a depthwise convolution of the values, then two 1x1 convolutions, each added to its map.

    Each head has 64 channels of values, or all if there are fewer, and half as many of queries and of keys.
    """
    heads = max(channels // _HEAD_CHANNELS, 1)
    key = part(channels, heads, "attends to") // 2
    seen = {"seen": Seen(heads=heads, key=key), "pe": [Values(heads=heads, key=key), *cn(3, channels, channels)]}
    attn = {"qkv": cn(1, channels + 2 * heads * key), "sum": Sum(lists=seen), "proj": cn(1, channels)}
    ffn = {"cv1": cna(1, 2 * channels), "cv2": cn(1, channels)}
    return Chain(lists={"attn": Residual(lists=attn), "ffn": Residual(lists=ffn)})
