"""Means of maps by weights that differ from pixel to pixel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from fpngraph.layers.fusion.sources import OfMaps


class SpatialSoftmax(OfMaps):
    """``sum(w_i * x_i)``, ``w = softmax(weigh(cat(f_1(x_1), .., f_n(x_n))))`` over the maps (ASFF, arXiv:1911.09516).

    ``lists`` are the f, each of which gives ``hidden`` channels; ``weigh`` is a 1x1 convolution to one channel per map.
    """

    def __init__(self, lists: Sequence[nn.Module], hidden: int) -> None:
        super().__init__()
        for number, layers in enumerate(lists):
            self.add_module(str(number), layers)
        self.weigh = nn.Conv2d(len(lists) * hidden, len(lists), 1)

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        held = tuple(maps)
        lists = (module for name, module in self._modules.items() if name != "weigh" and module is not None)
        hidden = [layers(x) for layers, x in zip(lists, held, strict=True)]
        weights = self.weigh(torch.cat(hidden, dim=1)).softmax(dim=1).split(1, dim=1)
        terms = (weight * x for weight, x in zip(weights, held, strict=True))
        total: Tensor = next(terms)
        for term in terms:
            total = total + term
        return total

    def in_order(self, state: Mapping[str, Tensor], prefix: str, order: Sequence[int]) -> dict[str, Tensor]:
        number, place = len(order), {f"{prefix}{theirs}.": f"{prefix}{ours}." for ours, theirs in enumerate(order)}
        found = {
            ours + name.removeprefix(theirs): tensor
            for name, tensor in state.items()
            for theirs, ours in place.items()
            if name.startswith(theirs)
        }
        weight, bias = f"{prefix}weigh.weight", f"{prefix}weigh.bias"
        if weight in state and state[weight].shape == self.weigh.weight.shape:
            by_map = state[weight].reshape(number, number, -1, 1, 1)
            found[weight] = by_map[order][:, order].flatten(1, 2)
        if bias in state and state[bias].shape == (number,):
            found[bias] = state[bias][order]
        return found
