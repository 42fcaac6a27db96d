"""Operators at their places: what goes into each, what comes out, and the name of its module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from fpngraph.feature import Feature
from fpngraph.inference.parts import Part, Rules
from fpngraph.ops.base import Activation, Mismatch, Misplaced, Norm, Operator, Resampler, Site

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")

UNKNOWN = 0
"""The channels of an input that nobody has said yet, and of what depends on them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operator at its place: what goes in, what its place says of it, what comes out."""

    op: Operator
    inputs: tuple[Feature, ...]
    site: Site
    output: Feature
    key: str
    """The name of its module in the edge or list of layers that it belongs to."""

    def module(self) -> nn.Module:
        """A new module of it."""
        return self.op.made(self.inputs, self.site)

    @property
    def modules(self) -> tuple[str, ...]:
        """The classes of modules that its rules are for."""
        return self.op.modules

    def parts(self, module: nn.Module) -> Sequence[Part]:
        """What a module of it does in inference."""
        return self.op.parts(module)

    def rules_inside(self) -> Rules | None:
        """The rules for what its module holds, by names; None if that is not to be looked into."""
        return self.op.inner_rules(self.inputs, self.site)


def step(op: Operator, inputs: tuple[Feature, ...], site: Site, key: str) -> Step:
    """The step of an operator. Raises Mismatch, with the operator's name, where it does not fit."""
    try:
        return Step(op, inputs, site, op.infer(inputs, site), key)
    except Misplaced as inside:
        raise inside.within(key) from None
    except Mismatch as mismatch:
        raise Misplaced(op.name, mismatch) from None


def steps(layers: Sequence[Operator], feature: Feature, site: Site) -> Iterator[Step]:
    """The layers one after the other; a convolution has no bias by itself where a norm comes next.

    ``site`` is the list's; the ratio in it is for a resampler only. Ends before a layer of unknown channels.
    """
    for position, (key, layer) in enumerate(keys(layers).items()):
        if feature.channels == UNKNOWN:
            return
        bias = not any(isinstance(following, Norm) for following in layers[position + 1 : position + 2])
        own = replace(site, ratio=site.ratio if isinstance(layer, Resampler) else 1, bias=bias)
        found = step(layer, (feature,), own, key)
        feature = found.output
        yield found


def keys(layers: Sequence[Operator]) -> Mapping[str, Operator]:
    """The layers of a list by the names of their modules: ``norm`` and ``act`` by their role, others by their own."""
    return numbered((_role(layer), layer) for layer in layers)


def _role(layer: Operator) -> str:
    return layer.kind if isinstance(layer, Norm | Activation) else layer.name


def numbered(named: Iterable[tuple[str, T]]) -> Mapping[str, T]:
    """By name; one more of a name gets the first free of ``_2``, ``_3`` and so on."""
    found: dict[str, T] = {}
    for name, value in named:
        key, number = name, 1
        while key in found:
            number += 1
            key = f"{name}_{number}"
        found[key] = value
    return found
