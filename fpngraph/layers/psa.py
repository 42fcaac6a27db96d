"""Attention of all pixels of a map to each other, of queries, keys and values that are given."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.layers.layout import is_channels_last
from fpngraph.layers.tracing import is_traced


class _OfHeads(nn.Module):
    """Of a map whose channels are, head after head, queries, keys and values: ``key`` of each of the former."""

    def __init__(self, heads: int, key: int) -> None:
        super().__init__()
        self.heads, self.key = heads, key

    def extra_repr(self) -> str:
        return f"heads={self.heads}, key={self.key}"


class Seen(_OfHeads):
    """``softmax(q k / sqrt(key)) v`` of the pixels of each head (arXiv:1706.03762 Sec. 3.2.1).

    Without ``scale`` nothing is divided by the root.

    Shape: [B, heads * (2 * key + C), H, W] to [B, heads * C, H, W], laid out as the map is.
    """

    def __init__(self, heads: int, key: int, *, scale: bool = True) -> None:
        super().__init__(heads, key)
        self.scale = scale

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, scale={self.scale}"

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        pixels = x.reshape(batch, self.heads, channels // self.heads, height * width).transpose(2, 3)
        query, key, value = pixels.tensor_split((self.key, 2 * self.key), dim=3)
        seen = F.scaled_dot_product_attention(query, key, value, scale=None if self.scale else 1.0)
        y = seen.transpose(2, 3).reshape(batch, channels - 2 * self.heads * self.key, height, width)
        if not is_traced() and is_channels_last(x):
            return y.contiguous(memory_format=torch.channels_last)
        return y.contiguous()


class Values(_OfHeads):
    """The values of all heads.

    Shape: [B, heads * (2 * key + C), H, W] to [B, heads * C, H, W].
    """

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        return x.reshape(batch, self.heads, channels // self.heads, height, width)[:, :, 2 * self.key :].flatten(1, 2)
