"""What a trained module does in inference, as far as it can be taken together with others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor, nn


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
    """Whether a scale and a shift of its result can be taken into it: by a ``weight``, channels of the result first
    (second in a transposed convolution), and a ``bias`` or None; or by a method ``absorb(scale, shift)``."""
    commutes: Literal["never", "non_negative", "always"] = "never"
    """For which factors a: ``module(a * x) = a * module(x)``."""
    remains: str = ""
    """Why it runs as it is where others are folded; empty where there is nothing to fold."""


def running(parts: Sequence[Part], *, owned: bool) -> tuple[list[nn.Module], bool]:
    """The modules of parts that run one after the other, given whether the map may be written to; and whether what they
    give may be.
    """
    modules = []
    for part in parts:
        modules.append(part.writing if owned and part.writing is not None else part.module)
        owned = part.result == "new" or (owned and part.result == "new_or_input")
    return modules, owned


class Rule(Protocol):
    """What folding asks of an operator: a rule for the modules of some classes."""

    @property
    def modules(self) -> tuple[str, ...]:
        """Full names of the classes that it is for."""

    def parts(self, module: nn.Module) -> Sequence[Part]:
        """What ``module``, which is of one of these classes, does in inference."""


@runtime_checkable
class Holder(Rule, Protocol):
    """A rule for modules that may hold others."""

    def rules_inside(self) -> Rules | None:
        """The rules for what such a module holds, by names; None: it is one piece, which ``parts`` is asked for."""


Rules: TypeAlias = "Mapping[str, Rule]"
"""The rules of a list of modules, by their names."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The rule for a list of layers: those of its modules."""

    rules: Rules
    modules: ClassVar[tuple[str, ...]] = ("fpngraph.layers.layout.Layers",)

    def parts(self, module: nn.Module) -> Sequence[Part]:
        """Never asked for."""
        raise TypeError("a list is folded layer by layer")

    def rules_inside(self) -> Rules:
        """Those of its modules."""
        return self.rules
