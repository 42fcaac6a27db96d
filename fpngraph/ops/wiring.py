"""Named lists of layers and how maps go through them: what the blocks that come with the package are written in.

No graph file names these: they are values of Python, which ``Block.layers`` may give in place of a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from fpngraph.feature import Feature
from fpngraph.ops.base import Mismatch, Operator, Site
from fpngraph.ops.block import Block
from fpngraph.ops.composite import Steps, output_of
from fpngraph.ops.plain import made_of

if TYPE_CHECKING:
    from torch import nn


def cna(kernel: int, channels: int, groups: int = 1) -> list[Any]:
    """A convolution, the node's norm, the node's activation."""
    return [*cn(kernel, channels, groups), "act"]


def cn(kernel: int, channels: int, groups: int = 1) -> list[Any]:
    """A convolution and the node's norm."""
    return [{"conv": {"kernel": kernel, "channels": channels, "groups": groups}}, "norm"]


def numbered(lists: Sequence[Any]) -> Mapping[str, Any]:
    """By their numbers, as torch's own lists name what they hold."""
    return {str(number): one for number, one in enumerate(lists)}


def share(channels: int, expand: float) -> int:
    """``expand`` times ``channels``. Raises Mismatch unless that is a whole number."""
    wanted = channels * expand
    if round(wanted) < 1 or abs(wanted - round(wanted)) > 1e-6:
        raise Mismatch(
            f"works with {expand:g} times the {channels} channels that it gives, which is no whole number",
            "choose other 'channels' of the node or another 'expand'",
        )
    return round(wanted)


def part(channels: int, count: int, what: str = "gives") -> int:
    """One of ``count`` equal parts of ``channels``. Raises Mismatch unless they are equal."""
    if channels % count:
        raise Mismatch(f"{what} {channels} channels, which {count} does not divide")
    return channels // count


class Chain(Block):
    """One list after the other."""

    name: ClassVar[str] = "chain"

    lists: Mapping[str, Any] = Field(description="Names to lists of layers, or to an operator each.")

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        return self.lists


class Residual(Chain):
    """``x + f(x)``, where f is one list after the other."""

    modules = ("fpngraph.layers.composite.Residual",)

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        output = super().infer(inputs, site)
        if output != inputs[0]:
            raise Mismatch(
                f"takes {inputs[0].channels} channels and adds {output.channels} to them",
                f"put a convolution of {output.channels} channels before it",
            )
        return output


class Sum(Chain):
    """``f(x) + g(x) + ...``, of equal channels."""

    modules = ("fpngraph.layers.composite.SumOfBranches",)
    follow = False


class Concat(Chain):
    """``f(x), g(x), ...`` along the channels."""

    modules = ("fpngraph.layers.composite.ConcatOfBranches",)
    follow = False

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        (feature,) = inputs
        return feature._replace(
            channels=sum(output_of(it, feature).channels for it in self.inner_steps(feature, site).values())
        )


class Grown(Chain):
    """The map and what each list gives, one after the other, along the channels.

    With ``reverse`` the last result comes first and the map last. The first list takes the channels from ``start`` on.
    """

    modules = ("fpngraph.layers.composite.Runs",)

    reverse: bool = Field(default=False, description="Whether the last result comes first.")
    start: int = Field(default=0, description="The first channel that the first list takes.")

    def inner_steps(self, feature: Feature, site: Site) -> Mapping[str, Steps]:
        return super().inner_steps(feature._replace(channels=feature.channels - self.start), site)

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        (feature,) = inputs
        output, channels = feature, feature.channels
        for steps in self.inner_steps(feature, site).values():
            output = output_of(steps, output)
            channels += output.channels
        return feature._replace(channels=channels)

    def joined_module(self, modules: Mapping[str, nn.Module]) -> nn.Module:
        return made_of(self, modules, joins=True, reverse=self.reverse, start=self.start)
