"""Learned factors."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """``weight * x``, one learned number for the whole map, 1 at the start.

    Shape: [B, C, H, W] to the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The weight at the start."""
        nn.init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight
