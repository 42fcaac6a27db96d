"""Sums of maps with one learned weight per map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn


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
