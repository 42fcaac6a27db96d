"""The inference form of layers that hold layers: what they hold is folded, and each map is copied no more than once."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from fpngraph.inference.absorbing import absorb, added
from fpngraph.inference.classes import is_one_of
from fpngraph.inference.modules import may_write
from fpngraph.inference.parts import Part, running
from fpngraph.layers.composite import Runs
from fpngraph.layers.layout import Layers, let_any
from fpngraph.layers.named import Named

_RESIDUAL, _SUM, _RUNS = (f"fpngraph.layers.composite.{name}" for name in ("Residual", "SumOfBranches", "Runs"))


def is_list(module: nn.Module) -> bool:
    """Whether it holds layers themselves, not lists of them."""
    return is_one_of(module, (_RESIDUAL,))


def only_runs(module: nn.Module) -> bool:
    """Whether it does nothing but run what it holds, one after the other."""
    if is_one_of(module, (_RUNS,)):
        return not cast(Runs, module).joins
    return is_one_of(module, ("fpngraph.layers.layout.Layers",))


def folded(module: nn.Module, lists: Sequence[Sequence[Part]]) -> tuple[Part, Container[int]]:
    """What ``module``, one of ``layers.composite``, does in inference; ``lists`` are the parts of what it holds.

    And which of these lists are one convolution now.
    """
    if is_one_of(module, (_RESIDUAL,)):
        return _sum([*lists, ()])
    if is_one_of(module, (_SUM,)):
        return _sum(lists)
    if is_one_of(module, (_RUNS,)):
        return Part(JoinedRuns(lists, cast(Runs, module)), "new"), ()
    return Part(Joined(lists), "new", absorbs=_all_absorb(lists)), ()


def _sum(lists: Sequence[Sequence[Part]]) -> tuple[Part, Container[int]]:
    chosen, conv = added(lists) or ([], None)
    if conv is not None:
        let_any(conv)
        merged = Part(conv, "new", absorbs=True)
        lists = [[merged], *(parts for index, parts in enumerate(lists) if index not in chosen)]
        if len(lists) == 1:
            return merged, chosen
    return Part(Added(lists), "new", absorbs=_all_absorb(lists)), chosen


def _all_absorb(lists: Sequence[Sequence[Part]]) -> bool:
    """Whether a scale and a shift of the result can be taken into the last part of each list."""
    return all(parts and parts[-1].absorbs for parts in lists)


class _Held(nn.Module):
    """Lists of modules that are each given what :meth:`forward` says; a result is a tensor of its own."""

    def __init__(self, lists: Sequence[Sequence[Part]]) -> None:
        super().__init__()
        made = [running(parts, owned=False) for parts in lists]
        self.lists = Named([Layers(modules) for modules, _ in made])
        self.owned = tuple(owned for _, owned in made)
        let_any(self)

    def ends(self) -> list[nn.Module]:
        """The last module of each list."""
        return [cast(Layers, layers)[-1] for layers in self.lists]


class Added(_Held):
    """The sum of what its lists give for a map."""

    def __init__(self, lists: Sequence[Sequence[Part]]) -> None:
        # what is its own comes first, so that the others can be added to it
        super().__init__(sorted(lists, key=lambda parts: not running(parts, owned=False)[1]))

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self.lists
        total: Tensor = first(x)
        owned = self.owned[0]
        for layers in others:
            y = layers(x)
            total = total.add_(y) if owned and may_write(total) else total + y
            owned = True
        return total

    def width(self) -> int:
        """The channels of its result, if all lists end with a module that can take in a scale."""
        return _width(self.ends()[0])

    def absorb(self, scale: Tensor, shift: Tensor) -> None:
        """As ``absorbing.absorb`` has it."""
        for index, module in enumerate(self.ends()):
            absorb(module, scale, shift if index == 0 else torch.zeros_like(shift))


class Joined(_Held):
    """What its lists give for a map, one after the other along the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(self.maps(x), dim=1)

    def maps(self, x: Tensor) -> list[Tensor]:
        """What it joins; of a list that ends with something that joins, what that joins."""
        found: list[Tensor] = []
        for layers in self.lists:
            *before, last = (nn.Identity(), *cast(Layers, layers))
            y = x
            for module in before:
                y = module(y)
            found += last.maps(y) if isinstance(last, Joined | JoinedRuns) else (last(y),)
        return found

    def width(self) -> int:
        """As that of ``Added``."""
        return sum(map(_width, self.ends()))

    def absorb(self, scale: Tensor, shift: Tensor) -> None:
        """As ``absorbing.absorb`` has it."""
        ends = self.ends()
        widths = [_width(module) for module in ends]
        values = (torch.split(value.expand(sum(widths)), widths) for value in (scale, shift))
        for module, *own in zip(ends, *values, strict=True):
            absorb(module, *own)


class JoinedRuns(_Held):
    """A map and what its lists, one after the other, give for it, along the channels, as ``runs`` joins them."""

    def __init__(self, lists: Sequence[Sequence[Part]], runs: Runs) -> None:
        super().__init__(lists)
        self.start, self.reverse = runs.start, runs.reverse

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(self.maps(x), dim=1)

    def maps(self, x: Tensor) -> list[Tensor]:
        """What it joins."""
        found, y = [x], x[:, self.start :]
        for layers in self.lists:
            y = layers(y)
            found.append(y)
        return found[::-1] if self.reverse else found


def _width(module: nn.Module) -> int:
    return module.width() if isinstance(module, Added | Joined) else len(module.get_parameter("weight"))
