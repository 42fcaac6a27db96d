"""Sums of maps with one learned weight per map."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fpngraph.layers.fusion.sources import OfMaps


@dataclass(frozen=True, slots=True)
class Enlarged:
    """A map whose pixels are still to be repeated. Multiplied before that, it has the same numbers.

    For the gradient of the factor the small map is kept then, and not the large one.
    """

    small: Tensor
    enlarge: Callable[[Tensor], Tensor]

    @property
    def dtype(self) -> torch.dtype:
        return self.small.dtype

    def __mul__(self, factor: Tensor) -> Tensor:
        return self.enlarge(self.small * factor)


class Weighted(OfMaps):
    """``sum(w_i * x_i)`` with one learned scalar per map, all 1 at start; what ``w`` is, subclasses say."""

    def __init__(self, num_inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_inputs))
        self.reset_parameters()

    def in_order(self, state: Mapping[str, Tensor], prefix: str, order: Sequence[int]) -> dict[str, Tensor]:
        name = f"{prefix}weight"
        # of another shape torch says so
        fits = name in state and state[name].shape == self.weight.shape
        return {name: state[name][order]} if fits else {}

    def reset_parameters(self) -> None:
        """All weights 1 again."""
        nn.init.ones_(self.weight)

    def factors(self) -> Tensor:
        """What the maps are multiplied by, shape (n,)."""
        raise NotImplementedError

    def forward(self, maps: Iterable[Tensor | Enlarged]) -> Tensor:
        total: Tensor | None = None
        for x, factor in zip(maps, self.factors().unbind(), strict=True):
            scale = factor.to(x.dtype)
            if total is None:
                total = x * scale
            elif total.dtype != x.dtype:  # autocast mixes types: the wider one wins
                total = total + x * scale
            else:
                total = total.add_(x * scale) if isinstance(x, Enlarged) else total.addcmul_(x, scale)
        if total is None:
            raise ValueError("a fusion was given no map")
        return total

    def extra_repr(self) -> str:
        return str(len(self.weight))


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
