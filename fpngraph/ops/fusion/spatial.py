"""Fusions that weigh the maps anew at every pixel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveInt

from fpngraph.feature import Feature, Size
from fpngraph.inference.parts import Lists, Rules
from fpngraph.ops.base import Cost, Fusion, Mismatch, Operator, Site
from fpngraph.ops.conv import Conv, conv_cost
from fpngraph.ops.plain import made_of
from fpngraph.ops.reading import ActivationSetting
from fpngraph.ops.registry import register
from fpngraph.ops.steps import Step
from fpngraph.ops.steps import steps as steps_of

if TYPE_CHECKING:
    from torch import nn


@register
class SpatialSoftmax(Fusion):
    """The mean of the maps by weights of each pixel, which are made of all of them (ASFF, arXiv:1911.09516 Sec. 3.2).

    Each map is brought to few channels by a 1x1 convolution, the node's norm and an activation; a 1x1 convolution of
    all of these, joined, gives a number per map, and the softmax over the maps is the weight.

    Names: ``0.conv`` and ``0.norm`` belong to the first map, ``weigh`` is the convolution of all.
    """

    name: ClassVar[str] = "spatial_softmax"
    modules = ("fpngraph.layers.fusion.spatial.SpatialSoftmax",)
    layout = "any"
    badge: ClassVar[str] = "spatial"

    hidden: PositiveInt = Field(default=16, description="Channels that each map is brought to for its weight.")
    act: ActivationSetting | None = Field(default=None, description="After each norm; the node's by default.")

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        if len(inputs) == 1:
            raise Mismatch("weighs maps against each other, but here is one", "write 'fusion: sum' where there is one")
        return inputs[0]

    def _inner(self, feature: Feature, site: Site) -> tuple[Step, ...]:
        """What one map goes through before it is joined with the others."""
        after: list[Operator] = [it for it in (site.norm, self.act or site.act) if it is not None]
        return tuple(steps_of([Conv(kernel=1, channels=self.hidden), *after], feature, replace(site, channels=None)))

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        inner = (it for feature in inputs for it in self._inner(feature, site))
        joined = conv_cost((len(inputs) * self.hidden, len(inputs)), 1, 1, True, size_out)
        return sum((it.op.cost_of_module(it.inputs, it.site, size_out, size_out) for it in inner), joined)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.layout import Layers

        lists = [Layers({step.key: step.module() for step in self._inner(feature, site)}) for feature in inputs]
        return made_of(self, lists, self.hidden)

    def inner_rules(self, inputs: tuple[Feature, ...], site: Site) -> Rules:
        lists = (self._inner(feature, site) for feature in inputs)
        return {str(number): Lists({step.key: step for step in inner}) for number, inner in enumerate(lists)}
