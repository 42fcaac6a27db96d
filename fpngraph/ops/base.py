"""The contract that every operator keeps, and the registry that finds one by its name."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from fpngraph.feature import Feature, Size

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T", bound="Operator")
Padding = Literal["symmetric", "same"]
PaddingRule = Padding | Literal["after"]
"""What a window is built with; ``after``: it starts with the map's first pixel, padding comes after the last one."""


class Mismatch(Exception):
    """The reason why an operator does not fit where it stands. The caller knows the place and adds it."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Site:
    """Where an operator stands: what its node or edge says of it.

    ``channels`` is what the place wants to come out (None: nobody says), ``ratio`` the ratio of an edge's two
    strides, ``padding`` the node's, ``bias`` whether a convolution here has a bias unless its settings say so.
    """

    channels: int | None = None
    ratio: int = 1
    padding: Padding = "symmetric"
    bias: bool = True


class Cost(NamedTuple):
    """Learned parameters, and multiply-accumulates of convolutions and matrix products for one image."""

    parameters: int
    macs: int

    def __add__(self, other: object) -> Cost:  # a sum, where a tuple would join
        if not isinstance(other, Cost):
            return NotImplemented
        return Cost(self.parameters + other.parameters, self.macs + other.macs)


@dataclass(frozen=True, slots=True)
class Part:
    """A step of what an operator's module does in inference, and what may be done with it.

    Each default is the safe one: the module runs where it stands, and nothing else is known of it.
    """

    module: nn.Module
    result: Literal["any", "new_or_input", "new"] = "any"
    """What it gives: a tensor of its own at every call (``new``), its input itself where nothing is to be done, or
    ``any`` other, such as a view or something that it keeps. Only what is known to be nobody else's is written to."""
    writing: nn.Module | None = None
    """The same, but written into the map that it is given."""
    affine: tuple[Tensor, Tensor] | None = None
    """Scale and shift, each of shape (channels,), if it is ``scale * x + shift``."""
    absorbs: bool = False
    """Whether it has a ``weight``, channels of the result first, and a ``bias`` or None, by which a scale and a shift
    of its result can be taken into it."""
    commutes: Literal["never", "non_negative", "always"] = "never"
    """For which factors a: ``module(a * x) = a * module(x)``."""


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

    @classmethod
    def takes_any_layout(cls) -> bool:
        """Whether what :meth:`build` gives takes maps in any layout."""
        said = next(kind for kind in cls.__mro__ if {"build", "layout"} & set(vars(kind)))
        return bool(vars(said).get("layout") == "any")

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        """Level and channels of what comes out. Raises Mismatch where the operator does not fit."""
        raise NotImplementedError(type(self).__name__)

    def cost(self, inputs: tuple[Feature, ...], site: Site, size_in: Size, size_out: Size) -> Cost:
        """Parameters and MACs. ``size_in`` and ``size_out`` are the map's size before and after."""
        return Cost(0, 0)

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        """The torch module; what it is called with depends on the kind. Imports torch inside."""
        raise NotImplementedError(type(self).__name__)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        """What ``module`` does in inference, one part after the other; a resampler has one part.

        ``module`` is a copy in eval mode of what :meth:`build` made, or of what somebody has put in its place: a rule
        holds for the classes of modules that it knows.
        """
        return (Part(module),)


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
    badge: ClassVar[str] = ""
    """What a diagram writes beside a node where it is not the usual fusion; its name by default."""

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        return inputs[0]

    def factors(self, module: nn.Module, count: int) -> Sequence[float] | None:
        """What each of ``count`` maps is multiplied by before all are added; None if ``module`` does anything else."""
        return None


class Init(Operator):
    """A recipe of initial weights, what ``init:`` names."""

    kind: ClassVar[str] = "init"

    def apply(self, module: nn.Module) -> None:
        """Set the weights of ``module``, one of the modules in a node, decided by its kind."""
        raise NotImplementedError(type(self).__name__)


KINDS: Mapping[str, type[Operator]] = {kind.kind: kind for kind in (Layer, Norm, Activation, Down, Up, Fusion, Init)}
_registry: dict[tuple[str, str], type[Operator]] = {}
_WORDS = frozenset({"none", "norm", "act"})  # what a list of layers says in place of an operator


def register(operator: type[T]) -> type[T]:
    """Make an operator known to graph files by its ``name``; a decorator. Raises ValueError for a name taken."""
    name, kind = operator.name, operator.kind
    for other in _rivals(kind):
        if (other, name) in _registry:
            raise ValueError(f"{operator.__qualname__}: there is a {other} operator named {name!r} already")
    if name in _WORDS:
        raise ValueError(f"{operator.__qualname__}: {name!r} is a word of the language")
    _registry[kind, name] = operator
    return operator


def _rivals(kind: str) -> tuple[str, ...]:
    """The kinds that can stand in one list with ``kind``, so that a name must be unique among them."""
    lists = (("layer", "norm", "act", "down"), ("layer", "norm", "act", "up"))
    return tuple({rival for row in lists if kind in row for rival in row} or {kind})


def find(kinds: Iterable[str], name: str) -> type[Operator] | None:
    """The operator of one of ``kinds`` named ``name``; entry points are loaded only if no other has it."""
    kinds = tuple(kinds)
    if not any((kind, name) in _registry for kind in kinds):
        load_entry_points()
    return next((_registry[kind, name] for kind in kinds if (kind, name) in _registry), None)


def names(kinds: Iterable[str]) -> list[str]:
    """The names that :func:`find` knows for ``kinds``, in order of registration."""
    load_entry_points()
    wanted = set(kinds)
    return [name for kind, name in _registry if kind in wanted]


def operators() -> tuple[type[Operator], ...]:
    """Every registered operator, in order of registration."""
    load_entry_points()
    return tuple(_registry.values())


@cache
def load_entry_points() -> None:
    """Import the modules that installed packages name under the entry point group ``fpngraph.operators``.

    One that cannot be imported is warned about: a graph may well do without it.
    """
    from importlib.metadata import entry_points

    for entry in entry_points(group="fpngraph.operators"):
        try:
            entry.load()
        except Exception as error:  # whatever somebody else's module does when it is imported
            warnings.warn(f"operators of {entry.value!r} cannot be imported: {error}", stacklevel=2)
