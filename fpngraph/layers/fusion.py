"""Modules that join maps of one size. Each reads an iterable of maps once, in order, one map at a time.

A result is accumulated in place in a tensor of its own, so that a map can be freed as soon as it is read and no map is
ever written to. Fusing one map without a weight gives that map itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn


class Sum(nn.Module):
    """``sum(x_i)``."""

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        return _sum(maps)[0]


class Mean(nn.Module):
    """``sum(x_i) / n``."""

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        total, count = _sum(maps)
        return total if count == 1 else total.div_(count)


class Max(nn.Module):
    """The largest of ``x_i``, pixel by pixel; equal ones share the gradient."""

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        rest = iter(maps)
        largest = next(rest)
        for x in rest:
            largest = torch.maximum(largest, x)
        return largest


class Concat(nn.Module):
    """All maps, one after the other along the channels. The only fusion that holds all of them at once."""

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        held = tuple(maps)
        return held[0] if len(held) == 1 else torch.cat(held, dim=1)


class GlobalGate(nn.Module):
    """``g + sigmoid(pool(g)) * x`` of two maps, of which ``gate`` says which is g (NAS-FPN, arXiv:1904.07392 Sec. 3.1).

    ``pool`` is the mean or the maximum over the pixels of each channel; pixels of an equal maximum share the gradient.
    """

    def __init__(self, gate: Literal["first", "second"], pool: Literal["avg", "max"]) -> None:
        super().__init__()
        self.gate, self.pool = gate, pool

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        first, second = maps
        g, x = (first, second) if self.gate == "first" else (second, first)
        pooled = g.mean((2, 3), keepdim=True) if self.pool == "avg" else g.amax((2, 3), keepdim=True)
        return g + pooled.sigmoid() * x

    def extra_repr(self) -> str:
        return f"{self.gate}, {self.pool}"


class Weighted(nn.Module):
    """``sum(w_i * x_i)`` with one learned scalar per map, all 1 at start; what ``w`` is, subclasses say.

    ``sources`` are the names of the maps, if they are known. They go with a state dict, so that a weight stays that of
    its map when the maps come in another order, and those of other maps are refused.
    """

    sources: tuple[str, ...] = ()

    def __init__(self, num_inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_inputs))
        self.reset_parameters()
        self.register_state_dict_post_hook(_tell_sources)  # type: ignore[no-untyped-call]  # torch has no hints here
        self.register_load_state_dict_pre_hook(_order_weights)  # type: ignore[no-untyped-call]  # nor here

    def reset_parameters(self) -> None:
        """All weights 1 again."""
        nn.init.ones_(self.weight)

    def factors(self) -> Tensor:
        """What the maps are multiplied by, shape (n,)."""
        raise NotImplementedError

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        total: Tensor | None = None
        for x, factor in zip(maps, self.factors().unbind(), strict=True):
            scale = factor.to(x.dtype)
            if total is None:
                total = x * scale
            elif total.dtype == x.dtype:
                total = total.addcmul_(x, scale)
            else:  # autocast mixes types: the wider one wins
                total = total + x * scale
        if total is None:
            raise ValueError("a fusion was given no map")
        return total

    def extra_repr(self) -> str:
        return str(len(self.weight))


def _tell_sources(fusion: Weighted, _state: object, _prefix: str, metadata: dict[str, Any]) -> None:
    metadata["sources"] = fusion.sources


def _order_weights(
    fusion: Weighted,
    state: dict[str, Any],
    prefix: str,
    metadata: Mapping[str, Any],
    _strict: object,
    _missing: object,
    _unexpected: object,
    errors: list[str],
) -> None:
    theirs, ours, name = tuple(metadata.get("sources", ())), fusion.sources, f"{prefix}weight"
    if not (theirs and ours) or theirs == ours or name not in state:
        return
    if sorted(theirs) != sorted(ours):
        errors.append(f"{name!r} is for maps of {', '.join(theirs)}, not of {', '.join(ours)}")
    elif state[name].shape == fusion.weight.shape:  # of another shape torch says so
        state[name] = state[name][[theirs.index(source) for source in ours]]


class Unbounded(Weighted):
    """``sum(w_i * x_i)`` (EfficientDet, arXiv:1911.09070 Sec. 3.3)."""

    def factors(self) -> Tensor:
        return self.weight


class Softmax(Weighted):
    """``sum(softmax(w)_i * x_i)`` (EfficientDet, arXiv:1911.09070 Sec. 3.3)."""

    def factors(self) -> Tensor:
        return self.weight.softmax(dim=0)


class FastNormalized(Weighted):
    """``sum(relu(w_i) * x_i) / (sum(relu(w)) + eps)`` (EfficientDet, arXiv:1911.09070 Sec. 3.3)."""

    def __init__(self, num_inputs: int, eps: float = 1e-4) -> None:
        super().__init__(num_inputs)
        self.eps = eps

    def factors(self) -> Tensor:
        weight = self.weight.relu()
        return weight / (weight.sum() + self.eps)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, eps={self.eps}"


def _sum(maps: Iterable[Tensor]) -> tuple[Tensor, int]:
    """The sum of the maps, and how many there were."""
    rest = iter(maps)
    total, count = next(rest), 1
    for x in rest:
        total = total.add_(x) if count > 1 and total.dtype == x.dtype else total + x
        count += 1
    return total, count
