"""The contract that every operator keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from fpngraph.codes import Code
from fpngraph.feature import Feature, Padding, Size
from fpngraph.inference.parts import Part, Rules

if TYPE_CHECKING:
    from torch import nn


class Mismatch(Exception):
    """The reason why an operator does not fit where it stands. The caller knows the place and adds it."""

    def __init__(self, reason: str, hint: str | None = None, code: Code = "does-not-fit") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.code = code


class Misplaced(Mismatch):
    """A Mismatch of the operator ``name`` in the layer that holds it, ``where`` by the names of modules, if any."""

    def __init__(self, name: str, mismatch: Mismatch, *where: str) -> None:
        inside = f" in {'.'.join(where)!r}" if where else ""
        super().__init__(f"{name!r}{inside} {mismatch.reason}", mismatch.hint, mismatch.code)
        self._name, self._mismatch, self._where = name, mismatch, where

    def within(self, name: str) -> Misplaced:
        """The same, told from outside of what has the name ``name`` there."""
        return Misplaced(self._name, self._mismatch, name, *self._where)


@dataclass(frozen=True, slots=True)
class Site:
    """Where an operator stands: what its node or edge says of it.

    ``channels`` is what the place wants to come out (None: nobody says), ``ratio`` the ratio of an edge's two
    strides, ``padding``, ``norm``, ``act`` and ``init`` the node's, ``bias`` whether a convolution here has a bias
    unless its settings say so. Inside a layer that holds layers ``outer`` is the node's channels, where ``channels``
    are others (0: the node says none), and ``depth`` how many blocks there are around it.
    """

    channels: int | None = None
    ratio: int = 1
    padding: Padding = "symmetric"
    bias: bool = True
    norm: Norm | None = None
    act: Activation | None = None
    init: Init | None = None
    outer: int | None = None
    depth: int = 0


class Cost(NamedTuple):
    """Learned parameters, and multiply-accumulates of convolutions and matrix products for one image.

    None is a number that nobody knows. It is never 0, and a sum with it is None.
    """

    parameters: int | None = None
    macs: int | None = None

    def __add__(self, other: object) -> Cost:  # a sum, where a tuple would join
        if not isinstance(other, Cost):
            return NotImplemented
        return Cost(_sum(self.parameters, other.parameters), _sum(self.macs, other.macs))

    def completed(self, other: Cost) -> Cost:
        """With the numbers of ``other`` in place of those that are not known."""
        return Cost(*(second if first is None else first for first, second in zip(self, other, strict=True)))


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


class Operator(BaseModel):
    """An operator: its fields are its YAML settings, its methods its rules.

    Subclass one of the kinds below, set ``name``, and decorate with :func:`register`.
    """

    # a check uses a few operators of many: each is built when a file first names it
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    kind: ClassVar[str]
    name: ClassVar[str]
    layout: ClassVar[Literal["contiguous", "any"]] = "contiguous"
    """How the maps lie in memory that its module is called with, on every device. With ``any`` they come as they are,
    ``channels_last`` mostly, and are not copied. It is said by the class that has ``build``, or by one below: a class
    with a ``build`` of its own is asked anew."""
    in_place_of_settings: ClassVar[str] = ""
    """The field that a file gives in place of settings: ``layers`` in ``{residual: [...]}``. Empty: it has settings."""
    example: ClassVar[str] = ""
    """What an example gives it, as a file has it, if it cannot do without settings: ``{index: 0}``."""
    modules: ClassVar[tuple[str, ...]] = ()
    """The full names of the classes of modules that its rules for inference are for, no class derived from them."""

    @classmethod
    def takes_any_layout(cls) -> bool:
        """Whether what :meth:`build` gives takes maps in any layout."""
        return _said(cls, "build", "layout") == "any"

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        """Level and channels of what comes out. Raises Mismatch where the operator does not fit."""
        raise NotImplementedError(type(self).__name__)

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        """Parameters and MACs. ``size_in`` and ``size_out`` are the map's size before and after.

        What is None, as both are by default, is measured on the module that :meth:`build` gives.
        """
        return Cost()

    def cost_of_module(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        """What :meth:`cost` says, unless it is about another module: that of a class whose ``build`` was replaced."""
        builds = 0
        for kind in type(self).__mro__:
            builds += "build" in vars(kind)
            if "cost" in vars(kind):
                break
        return self.cost(inputs, site, size_in, size_out) if builds < 2 else Cost()

    def held(self) -> Sequence[Sequence[Operator | str]]:
        """The lists of layers that it holds, as far as its settings have them."""
        return ()

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        """The torch module; what it is called with depends on the kind. Imports torch inside."""
        raise NotImplementedError(type(self).__name__)

    def made(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        """What :meth:`build` gives, told apart from modules whose maps have to be contiguous."""
        from fpngraph.layers.layout import let_any

        module = self.build(inputs, site)
        if self.takes_any_layout():
            let_any(module)
        return module

    def parts(self, module: nn.Module) -> Sequence[Part]:
        """What ``module`` does in inference, one part after the other; a resampler has one part.

        ``module`` is a copy in eval mode of one whose class is exactly one of ``modules``, without hooks: of any other
        nobody asks, and it runs as it is.
        """
        return (Part(module),)

    def inner_rules(self, inputs: tuple[Feature, ...], site: Site) -> Rules | None:
        """The rules for what its module holds, by the names that it has them by; None: it is folded as one piece."""
        return None


@cache  # asked for each module of a neck
def _said(operator: type[Operator], method: str, name: str) -> object:
    """What an operator's class says under ``name``, or one above it that does not stand above its ``method``."""
    said = next(kind for kind in operator.__mro__ if {method, name} & set(vars(kind)))
    return vars(said).get(name)


class Free:
    """What an operator derives from as well if it learns nothing and multiplies no matrices."""

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        return Cost(0, 0)


class Layer(Operator):
    """A step of a node's ``op``: one map to one of the same level. Built: ``module(map)``."""

    kind: ClassVar[str] = "layer"

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        (feature,) = inputs
        return feature


class Norm(Layer):
    """A normalisation, what ``norm:`` names. A convolution right before one has no bias."""

    kind: ClassVar[str] = "norm"


class Activation(Layer):
    """A nonlinearity, what ``act:`` names."""

    kind: ClassVar[str] = "act"


class Resampler(Operator):
    """Changes the level of a map. Built: ``module(map, size)`` with the size wanted, (height, width)."""


class Down(Resampler):
    """To a coarser level, what ``down:`` names. A result of another size is resized by the edge."""

    kind: ClassVar[str] = "down"

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        (feature,) = inputs
        return feature._replace(level=feature.level + site.ratio.bit_length() - 1)


class Up(Resampler):
    """To a finer level, what ``up:`` names."""

    kind: ClassVar[str] = "up"

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        (feature,) = inputs
        return feature._replace(level=feature.level - (site.ratio.bit_length() - 1))


class Fusion(Operator):
    """Joins maps of one level, what ``fusion:`` names. Built: ``module(maps)``, an iterable, read in order, once."""

    kind: ClassVar[str] = "fusion"
    equal_channels: ClassVar[bool] = True
    """Whether every edge must bring the same number of channels (``concat`` does not need it)."""
    weighted: ClassVar[bool] = False
    """Whether it learns a weight per input."""
    takes: ClassVar[int | None] = None
    """How many maps it joins; None: any number."""
    badge: ClassVar[str] = ""
    """What a diagram writes beside a node where it is not the usual fusion; its name by default."""

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        return inputs[0]

    def factors(self, module: nn.Module, count: int) -> Sequence[float] | None:
        """What each of ``count`` maps is multiplied by before all are added; None if ``module`` does anything else.

        ``module`` is one that ``parts`` would be asked for.
        """
        return None


class Init(Operator):
    """A recipe of initial weights, what ``init:`` names."""

    kind: ClassVar[str] = "init"
    sets_all: ClassVar[bool] = False
    """Whether ``nn.Conv2d``, ``nn.BatchNorm2d`` and ``nn.GroupNorm`` get all weights and biases from it, so that torch
    need not draw any first. It is said by the class that has ``apply``: one with an ``apply`` of its own is asked anew.
    """

    @classmethod
    def does_set_all(cls) -> bool:
        """What ``sets_all`` says for its ``apply``."""
        return _said(cls, "apply", "sets_all") is True

    def apply(self, module: nn.Module) -> None:
        """Set the weights of ``module``, one of the modules in a node, decided by its kind."""
        raise NotImplementedError(type(self).__name__)
