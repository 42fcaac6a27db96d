"""What every layer that holds lists of layers is: its costs, module and inference form follow from these."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fpngraph.feature import Feature, Size
from fpngraph.inference.parts import Lists, Rules
from fpngraph.ops.base import Cost, Layer, Site
from fpngraph.ops.steps import Step

if TYPE_CHECKING:
    from torch import nn

Steps = tuple[Step, ...]
ITSELF = ""
"""The key of an operator that stands in place of a list: its module has the name of the list."""


class Composite(Layer):
    """A layer that holds lists of layers. What it costs, builds and folds to follows from these."""

    layout = "any"

    @abstractmethod
    def inner(self, feature: Feature, site: Site) -> Mapping[str, Steps]:
        """The steps of its lists by the names that its module has them by; those of the only one by no name."""

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        done = (step for steps in self.inner(inputs[0], site).values() for step in steps)
        return sum((it.op.cost_of_module(it.inputs, it.site, size_in, size_out) for it in done), Cost(0, 0))

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.layout import Layers

        built = {
            name: {step.key: step.module() for step in steps} for name, steps in self.inner(inputs[0], site).items()
        }
        if set(built) == {""}:
            return self.joined(built[""])
        return self.joined({name: it[ITSELF] if ITSELF in it else Layers(it) for name, it in built.items()})

    def joined(self, modules: Mapping[str, nn.Module]) -> nn.Module:
        """The module that holds these."""
        from fpngraph.layers.layout import Layers

        return Layers(modules)

    def inner_rules(self, inputs: tuple[Feature, ...], site: Site) -> Rules:
        """The rules for what its module holds, by names."""
        rules = {name: {step.key: step for step in steps} for name, steps in self.inner(inputs[0], site).items()}
        if set(rules) == {""}:
            return rules[""]
        return {name: it.get(ITSELF) or Lists(it) for name, it in rules.items()}


def output_of(steps: Steps, feature: Feature) -> Feature:
    """What a list of layers gives for a map."""
    return steps[-1].output if steps else feature
