"""Transformer encoders on a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, PositiveInt

from fpngraph.feature import Feature, Size
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Cost, Layer, Mismatch, Site
from fpngraph.ops.reading import ActivationSetting
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class EncoderLayer(Layer):
    """Self-attention of all pixels with 2D sine positions, then two linear layers (RT-DETR's AIFI, arXiv:2304.08069).

    Each of both is added to what it is given, and a layer norm follows (post-norm). Positions are added to queries and
    keys only. ``h_first`` is the order of transformers 5, and that of the authors' code for square maps: in others it
    gives a pixel the position of another. ``w_first`` is that of MAE (arXiv:2111.06377).
    """

    name: ClassVar[str] = "encoder_layer"
    modules = ("fpngraph.layers.encoder.Encoder",)
    layout = "any"

    heads: PositiveInt = Field(default=8, description="Heads of attention; must divide the channels.")
    hidden: PositiveInt | None = Field(
        default=None, description="Channels between the two linear layers; 4 times the map's by default."
    )
    layers: PositiveInt = Field(default=1, description="How many of them, one after the other.")
    act: ActivationSetting = Field(default="gelu", validate_default=True, description="Between the two linear layers.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Of attention, of hidden channels and of each result.")
    order: Literal["h_first", "w_first"] = Field(
        default="h_first", description="Whether the first half of the channels has the row's position or the column's."
    )

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        (feature,) = inputs
        takes = f"takes {feature.channels} channels, but its"
        if feature.channels % 4:
            raise Mismatch(f"{takes} positions need a multiple of 4")
        if feature.channels % self.heads:
            hint = f"set 'heads' to a divisor of {feature.channels}"
            raise Mismatch(f"{takes} {self.heads} heads need a multiple of {self.heads}", hint)
        return feature

    def _inner(self, inputs: tuple[Feature, ...]) -> Feature:
        """What ``act`` is given, pixel by pixel."""
        return inputs[0]._replace(channels=self.hidden or 4 * inputs[0].channels)

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        channels, inner = inputs[0].channels, self._inner(inputs)
        pixels = size_in.height * size_in.width
        weights = 4 * channels**2 + 2 * channels * inner.channels
        others = 4 * channels + inner.channels + channels + 4 * channels  # biases, and two norms
        macs = weights * pixels + 2 * channels * pixels**2  # the latter: who looks at whom, and what is seen
        layer = Cost(weights + others, macs) + self.act.cost_of_module((inner,), site, size_in, size_in)
        return sum([layer] * self.layers, Cost(0, 0))

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers import encoder

        channels, inner = inputs[0].channels, self._inner(inputs)

        def layer() -> encoder.EncoderLayer:
            act = self.act.build((inner,), site)
            return encoder.EncoderLayer(channels, inner.channels, self.heads, act, self.dropout)

        return encoder.Encoder(layer, self.layers, self.order)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new", remains="the statistics of its norms are those of each pixel"),)
