"""The fusion that keeps every map as it is."""

from __future__ import annotations

from typing import ClassVar

from fpngraph.feature import Feature
from fpngraph.ops.base import Fusion, Site
from fpngraph.ops.plain import Plain
from fpngraph.ops.registry import register


@register
class Concat(Plain, Fusion):
    """All channels of all maps in the order of the edges, as in arXiv:1505.04597 Sec. 2."""

    name: ClassVar[str] = "concat"
    modules = ("fpngraph.layers.fusion.concat.Concat",)
    layout = "any"
    equal_channels: ClassVar[bool] = False

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        return inputs[0]._replace(channels=sum(feature.channels for feature in inputs))
