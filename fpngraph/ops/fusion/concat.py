"""The fusion that keeps every map as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from fpngraph.feature import Feature
from fpngraph.ops.base import Free, Fusion, Site
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class Concat(Free, Fusion):
    """All channels of all maps in the order of the edges, as in arXiv:1505.04597 Sec. 2."""

    name: ClassVar[str] = "concat"
    modules = ("fpngraph.layers.fusion.concat.Concat",)
    layout = "any"
    equal_channels: ClassVar[bool] = False

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        return inputs[0]._replace(channels=sum(feature.channels for feature in inputs))

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.fusion.concat import Concat as Module

        return Module()
