"""Layers that hold layers: residual, sum, concat, repeat; and what blocks have in common with them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema

from fpngraph.feature import Feature, Size
from fpngraph.inference.parts import Lists, Rules
from fpngraph.ops.base import Cost, Layer, Mismatch, Misplaced, Operator, Site
from fpngraph.ops.plain import made_of
from fpngraph.ops.reading import MAX_LAYERS, read_branches, read_layers
from fpngraph.ops.registry import register
from fpngraph.ops.steps import UNKNOWN, Step, steps

if TYPE_CHECKING:
    from torch import nn

Steps = tuple[Step, ...]
ITSELF = ""
"""The key of an operator that stands in place of a list: its module has the name of the list."""
LayerList = Annotated[tuple[Any, ...], PlainValidator(read_layers), WithJsonSchema({"definition": "layers"})]
Branches = Annotated[tuple[Any, ...], PlainValidator(read_branches), WithJsonSchema({"definition": "branches"})]


class Composite(Operator):
    """What holds lists of layers. What it costs, builds and folds to follows from these."""

    layout = "any"
    modules = ("fpngraph.layers.layout.Layers",)

    @abstractmethod
    def inner_steps(self, feature: Feature, site: Site) -> Mapping[str, Steps]:
        """The steps of its lists by the names that its module has them by; those of the only one by no name."""

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        done = (step for steps in self.inner_steps(inputs[0], site).values() for step in steps)
        return sum((it.op.cost_of_module(it.inputs, it.site, size_in, size_out) for it in done), Cost(0, 0))

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        from fpngraph.layers.layout import Layers

        built = {
            name: {step.key: step.module() for step in steps}
            for name, steps in self.inner_steps(inputs[0], site).items()
        }
        if set(built) == {""}:
            return self.joined_module(built[""])
        return self.joined_module({name: it[ITSELF] if ITSELF in it else Layers(it) for name, it in built.items()})

    def joined_module(self, modules: Mapping[str, nn.Module]) -> nn.Module:
        """The module that holds these: of the class that its rules are for, unless it says otherwise."""
        return made_of(self, modules)

    def inner_rules(self, inputs: tuple[Feature, ...], site: Site) -> Rules:
        """The rules for what its module holds, by names."""
        rules = {name: {step.key: step for step in steps} for name, steps in self.inner_steps(inputs[0], site).items()}
        if set(rules) == {""}:
            return rules[""]
        return {name: it.get(ITSELF) or Lists(it) for name, it in rules.items()}


class _Written(Composite, Layer):
    """A composite whose lists stand in the file, where ``norm`` and ``act`` are words for the node's own."""

    def with_words(self, words: Mapping[str, Operator]) -> Self:
        """The same with operators in place of words, in all lists."""
        said = {name: value for name in type(self).model_fields if isinstance(value := getattr(self, name), tuple)}
        return self.model_copy(update={name: _replaced(value, words) for name, value in said.items()})


def _replaced(value: Any, words: Mapping[str, Operator]) -> Any:
    if isinstance(value, tuple):
        return tuple(_replaced(it, words) for it in value)
    if isinstance(value, str):
        return words[value]
    return value.with_words(words) if isinstance(value, _Written) else value


def with_words(layers: Sequence[Operator | str], words: Mapping[str, Operator]) -> tuple[Any, ...]:
    """Layers with operators in place of the words for them."""
    return tuple(_replaced(layer, words) for layer in layers)


def _of_node(site: Site) -> Site:
    """The place of a list whose convolutions have the node's channels, also inside of a residual."""
    return site if site.outer is None else replace(site, channels=site.outer or None, outer=None)


@register
class Residual(_Written):
    """``x + f(x)``, where f is a list of layers (ResNet, arXiv:1512.03385 Sec. 3.1)."""

    name: ClassVar[str] = "residual"
    modules = ("fpngraph.layers.composite.Residual",)
    in_place_of_settings = "layers"
    example = "[conv, norm, act, conv, norm]"

    layers: LayerList = Field(description="What is added to the map; its convolutions keep the channels.")

    def held(self) -> Sequence[Sequence[Operator | str]]:
        return (self.layers,)

    def inner_steps(self, feature: Feature, site: Site) -> Mapping[str, Steps]:
        own = replace(site, channels=feature.channels, outer=_of_node(site).channels or UNKNOWN)
        return {"": tuple(steps(self.layers, feature, own))}

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        (feature,) = inputs
        output = output_of(self.inner_steps(feature, site)[""], feature)
        if output.channels != feature.channels:
            raise Mismatch(
                f"takes {feature.channels} channels, but its layers give {output.channels}",
                f"end them with a convolution of {feature.channels} channels",
            )
        return feature


class _Branches(_Written):
    in_place_of_settings = "branches"
    example = "[[conv, norm], [{conv: {kernel: 1}}, norm], []]"

    branches: Branches = Field(description="Lists of layers that each take the map; [] is the map itself.")

    def held(self) -> Sequence[Sequence[Operator | str]]:
        return self.branches

    def inner_steps(self, feature: Feature, site: Site) -> Mapping[str, Steps]:
        own = _of_node(site)
        return {str(index): listed(layers, feature, own, str(index)) for index, layers in enumerate(self.branches)}

    def outputs(self, feature: Feature, site: Site) -> Sequence[int]:
        """The channels that the branches give."""
        return [output_of(it, feature).channels for it in self.inner_steps(feature, site).values()]


@register
class Sum(_Branches):
    """``f(x) + g(x) + ...``, where each is a list of layers, as in a RepVGG block (arXiv:2101.03697 Sec. 3.2)."""

    name: ClassVar[str] = "sum"
    modules = ("fpngraph.layers.composite.SumOfBranches",)

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        found = self.outputs(inputs[0], site)
        if len(set(found)) > 1:
            given = f"{', '.join(map(str, found[:-1]))} and {found[-1]}"
            raise Mismatch(f"adds branches that give {given} channels", "give each the same channels, or use 'concat'")
        return inputs[0]._replace(channels=found[0])


@register
class Concat(_Branches):
    """``f(x), g(x), ...`` one after the other along the channels, as in a CSP stage (CSPNet, arXiv:1911.11929)."""

    name: ClassVar[str] = "concat"
    example = "[[{slice: {index: 0}}, conv, act], [{slice: {index: 1}}], []]"
    modules = ("fpngraph.layers.composite.ConcatOfBranches",)

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        return inputs[0]._replace(channels=sum(self.outputs(inputs[0], site)))


@register
class Repeat(_Written):
    """A list of layers some times over, each time with weights of its own.

    With ``keep: all`` it gives the map and every result, one after the other along the channels (ELAN,
    arXiv:2211.04800).
    """

    name: ClassVar[str] = "repeat"
    modules = ("fpngraph.layers.composite.Runs",)
    example = "{times: 3, layers: [conv, norm, act]}"

    times: int = Field(ge=0, le=MAX_LAYERS, description="How often.")
    layers: LayerList = Field(description="What is repeated.")
    keep: Literal["last", "all"] = Field(default="last", description="The last result, or the map and all results.")

    def held(self) -> Sequence[Sequence[Operator | str]]:
        return (self.layers,) * max(self.times, 1)  # one that never runs is written as well

    def inner_steps(self, feature: Feature, site: Site) -> Mapping[str, Steps]:
        own = _of_node(site)
        runs: dict[str, Steps] = {}
        for number in range(self.times):
            runs[str(number)] = listed(self.layers, feature, own, str(number))
            feature = output_of(runs[str(number)], feature)
        return runs

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        (feature,) = inputs
        outputs = [feature]
        for run in self.inner_steps(feature, site).values():
            outputs.append(output_of(run, outputs[-1]))
        channels = [it.channels for it in outputs]
        return feature._replace(channels=sum(channels) if self.keep == "all" else channels[-1])

    def joined_module(self, modules: Mapping[str, nn.Module]) -> nn.Module:
        return made_of(self, modules, joins=self.keep == "all")


def listed(layers: Sequence[Operator] | Operator, feature: Feature, site: Site, name: str) -> Steps:
    """The steps of the list that is called ``name`` in the layer that holds it, or of an operator in place of one."""
    try:
        if isinstance(layers, Operator):
            return (Step(layers, (feature,), site, layers.infer((feature,), site), ITSELF),)
        return tuple(steps(layers, feature, site))
    except Misplaced as inside:
        raise inside.within(name) if name else inside from None


def output_of(steps: Steps, feature: Feature) -> Feature:
    """What a list of layers gives for a map."""
    return steps[-1].output if steps else feature
