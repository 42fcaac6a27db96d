"""Blocks that see far: pyramid pooling and dilated convolutions side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, PositiveInt

from fpngraph.feature import Feature, Size
from fpngraph.ops.base import Cost, Operator, Site
from fpngraph.ops.block import Block
from fpngraph.ops.plain import made_of
from fpngraph.ops.registry import register
from fpngraph.ops.wiring import Concat, cna, numbered

if TYPE_CHECKING:
    from torch import nn

MAX_BINS, MAX_RATE, MAX_BRANCHES = 64, 1024, 16


class Pooled(Block):
    """A 1x1 convolution, norm and activation on the means of ``bins`` times ``bins`` parts, enlarged bilinearly."""

    name: ClassVar[str] = "pooled"
    modules = ("fpngraph.layers.pooled.Pooled",)

    bins: PositiveInt = Field(description="Parts on each side.")
    channels: PositiveInt = Field(description="Channels it gives.")

    def layers(self, in_channels: int, out_channels: int) -> Sequence[Any]:
        return cna(1, self.channels)

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        means = Size(self.bins, self.bins)
        return super().cost(inputs, site, means, means)

    def joined_module(self, modules: Mapping[str, nn.Module]) -> nn.Module:
        return made_of(self, modules, self.bins)


@register
class PyramidPooling(Block):
    """``cat(x, y1, y2, ..)``, a ``y`` for each of ``bins`` (PSPNet, arXiv:1612.01105 Sec. 3.2).

    ``y`` is a 1x1 convolution, norm and activation on the means of bins x bins parts of the map, enlarged to its size
    by bilinear interpolation. A 3x3 convolution follows in PSPNet and UPerNet (arXiv:1807.10221), which is not in it.

    Names: ``branches.1.conv`` is the convolution of the first of the bins, ``branches.0`` the map itself.
    """

    name: ClassVar[str] = "pyramid_pooling"

    bins: tuple[Annotated[int, Field(ge=1, le=MAX_BINS)], ...] = Field(
        default=(1, 2, 3, 6),
        min_length=1,
        max_length=MAX_BRANCHES,
        strict=False,
        description="Parts on each side of the map, for each of the maps that are joined.",
    )
    channels: PositiveInt | None = Field(
        default=None, description="Channels of each of these maps; by default the node's."
    )

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        channels = self.channels or out_channels
        pooled = [Pooled(bins=bins, channels=channels) for bins in self.bins]
        return {"branches": Concat(lists=numbered([[], *pooled]))}


@register
class Aspp(Block):
    """``project(cat(conv(x), conv_r1(x), conv_r2(x), .., mean(x)))``: DeepLabV3's (arXiv:1706.05587 Sec. 3.3).

    ``conv`` is 1x1, ``conv_r`` 3x3 with a dilation of ``r`` for each of ``rates``, ``mean`` a 1x1 convolution on the
    mean of the map, ``project`` 1x1; each with the node's norm and activation. ``separable`` is DeepLabV3+'s
    (arXiv:1802.02611). Dropout, where it is wanted, follows as a layer.

    Names: ``convs.0.conv`` and ``project.conv`` are ``convs.0.0`` and ``project.0`` of torchvision's ``ASPP``.
    """

    name: ClassVar[str] = "aspp"

    rates: tuple[Annotated[int, Field(ge=1, le=MAX_RATE)], ...] = Field(
        default=(12, 24, 36),
        min_length=1,
        max_length=MAX_BRANCHES,
        strict=False,
        description="Dilations of the 3x3 convolutions.",
    )
    separable: bool = Field(default=False, description="Whether the dilated convolutions are separable.")

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        kind = "separable_conv" if self.separable else "conv"
        dilated = [[{kind: {"channels": out_channels, "dilation": rate}}, "norm", "act"] for rate in self.rates]
        branches = [cna(1, out_channels), *dilated, Pooled(bins=1, channels=out_channels)]
        return {"convs": Concat(lists=numbered(branches)), "project": cna(1, out_channels)}
