"""Layers on the means of a few parts of a map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.layers.layout import Layers
from fpngraph.layers.tracing import is_traced


class Pooled(Layers):
    """Its layers on the means of ``bins`` times ``bins`` parts of the map, enlarged to the map's size.

    Parts overlap where their number does not divide the side, as torch's adaptive pooling has them. Enlarged is by
    bilinear interpolation, corners not aligned (arXiv:1612.01105 Sec. 3.2).

    Shape: [B, C, H, W] to [B, C', H, W].
    """

    def __init__(self, layers: Mapping[str, nn.Module] | Iterable[nn.Module], bins: int) -> None:
        super().__init__(layers)
        self.bins = bins

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(means(x, self.bins))
        return F.interpolate(y, (x.shape[2], x.shape[3]), mode="bilinear", align_corners=False)

    def extra_repr(self) -> str:
        return f"bins={self.bins}"


def means(x: Tensor, bins: int) -> Tensor:
    """The means of ``bins`` times ``bins`` parts of a map; [B, C, H, W] to [B, C, bins, bins]."""
    if bins == 1:
        return x.mean((2, 3), keepdim=True)
    if not is_traced():
        return F.adaptive_avg_pool2d(x, bins)
    # exporters know torch's pooling for sizes that they can divide, and no others
    rows, columns = (_parts(x, n, bins) for n in x.shape[2:])
    return rows @ x @ columns.t()


def _parts(x: Tensor, n: int, bins: int) -> Tensor:
    """What each of ``n`` pixels counts in each part: [bins, n], in the map's type."""
    part = torch.arange(bins, device=x.device)[:, None]
    first, end = part * n // bins, ((part + 1) * n + bins - 1) // bins
    pixel = torch.arange(n, device=x.device)
    inside = (pixel >= first) & (pixel < end)
    return inside.to(x.dtype) / (end - first).to(x.dtype)
