"""The inference form of layers that hold layers: what they hold is folded, and each map is copied no more than once."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from fpngraph.inference.absorbing import absorb, added
from fpngraph.inference.modules import may_write
from fpngraph.inference.parts import Part, running
from fpngraph.layers.averaged import AveragedConv, AverageDown
from fpngraph.layers.composite import Residual, Runs, SumOfBranches
from fpngraph.layers.layout import Layers, let_any, run
from fpngraph.layers.named import Named
from fpngraph.layers.pooled import Pooled


def is_list(module: nn.Module) -> bool:
    """Whether it holds layers themselves, not lists of them."""
    return type(module) in (Residual, Pooled)


def only_runs(module: nn.Module) -> bool:
    """Whether it does nothing but run what it holds, one after the other."""
    return type(module) is Layers or (type(module) is Runs and not module.joins)


def folded(module: nn.Module, lists: Sequence[Sequence[Part]]) -> tuple[Part, Container[int]]:
    """What ``module``, one of ``layers.composite``, does in inference; ``lists`` are the parts of what it holds.

    And which of these lists are one convolution now.
    """
    if type(module) is Residual:
        return _sum([*lists, ()])
    if type(module) is SumOfBranches:
        return _sum(lists)
    if type(module) is Runs:
        return Part(JoinedRuns(lists, module), "new"), ()
    if type(module) is AveragedConv or type(module) is AverageDown:
        down = type(module)([Layers(running(parts, owned=False)[0]) for parts in lists])
        let_any(down)
        return Part(down, "new"), ()
    if type(module) is Pooled:
        pooled = Pooled(running(lists[0], owned=False)[0], module.bins)
        let_any(pooled)
        return Part(pooled, "new"), ()
    joined = Joined(lists)
    return Part(joined, "new", absorbs=_all_absorb(lists) and joined.width() is not None), ()


def _sum(lists: Sequence[Sequence[Part]]) -> tuple[Part, Container[int]]:
    chosen, conv = added(lists) or ([], None)
    if conv is not None:
        let_any(conv)
        merged = Part(conv, "new", absorbs=True)
        lists = [[merged], *(parts for index, parts in enumerate(lists) if index not in chosen)]
        if len(lists) == 1:
            return merged, chosen
    alone = len(lists) == 1  # the others were taken out
    return Part(Added(lists), "any" if alone else "new", absorbs=_all_absorb(lists)), chosen


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

    def width(self) -> int | None:
        """The channels of its result, where all lists end with a module that can take in a scale; None if unknown."""
        return next((width for module in self.ends() if (width := _width(module))), None)

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
            modules = list(cast(Layers, layers))
            last = modules[-1] if modules else None
            if not isinstance(last, (Joined, JoinedRuns)):
                found.append(layers(x))
                continue
            y = x
            for module in modules[:-1]:
                y = run(module, y)
            found += last.maps(y)
        return found

    def width(self) -> int | None:
        """As that of ``Added``."""
        widths = [_width(module) for module in self.ends()]
        return None if None in widths else sum(width or 0 for width in widths)

    def absorb(self, scale: Tensor, shift: Tensor) -> None:
        """As ``absorbing.absorb`` has it."""
        ends = self.ends()
        widths = [_width(module) or 0 for module in ends]
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


def _width(module: nn.Module) -> int | None:
    if isinstance(module, (Added, Joined)):
        return module.width()
    # what absorbs by a method of its own does not say how wide it is
    return None if hasattr(module, "absorb") else len(module.get_parameter("weight"))
