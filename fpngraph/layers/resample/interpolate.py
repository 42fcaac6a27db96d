"""Interpolation straight to a size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.layers.tracing import certain


def has_size(x: Tensor, size: Sequence[int]) -> bool:
    """Whether ``x`` is known to have ``size`` already; while torch traces, for every size of the trace."""
    height, width = x.shape[-2:]
    return certain(height == size[0]) and certain(width == size[1])


class Interpolate(nn.Module):
    """Goes to the size wanted in one step. A map of that size comes back as it is.

    With ``align_corners`` the middles of bilinear corner pixels stay where they are, else their outer corners do.

    Shape: [B, C, H, W] to [B, C, size[0], size[1]].
    """

    def __init__(self, mode: Literal["nearest", "bilinear"], *, align_corners: bool = False) -> None:
        super().__init__()
        self.mode, self.align_corners = mode, align_corners

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        if has_size(x, size):
            return x
        corners = None if self.mode == "nearest" else self.align_corners
        return F.interpolate(x, (size[0], size[1]), mode=self.mode, align_corners=corners)

    def extra_repr(self) -> str:
        return f"{self.mode}, align_corners=True" if self.align_corners else self.mode
