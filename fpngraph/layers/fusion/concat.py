"""All maps, one after the other."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Concat(nn.Module):
    """All maps, one after the other along the channels. The only fusion that holds all of them at once."""

    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        held = tuple(maps)
        return held[0] if len(held) == 1 else torch.cat(held, dim=1)
