"""Layers of a transformer's encoder on the pixels of a map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.layers.layout import is_channels_last
from fpngraph.layers.tracing import is_traced

Order = Literal["h_first", "w_first"]


def sine_positions(x: Tensor, order: Order) -> Tensor:
    """What tells the pixels of a map [B, C, H, W] apart, row by row: [H * W, C], in the map's type.

    Quarters of the channels are the sine and the cosine of the row's number, then of the column's (``w_first``: of the
    column's, then of the row's), times ``10000 ** -(i / (C / 4))`` for the i-th channel of a quarter.
    """
    _, channels, height, width = x.shape
    quarter = channels // 4
    wide = torch.promote_types(x.dtype, torch.float32)  # half a type cannot count to the number of a pixel
    omega = 10000.0 ** -(torch.arange(quarter, dtype=wide, device=x.device) / quarter)
    rows, columns = (torch.arange(n, dtype=wide, device=x.device)[:, None] * omega for n in (height, width))
    of_row = torch.cat((rows.sin(), rows.cos()), dim=1)[:, None].expand(-1, width, -1)
    of_column = torch.cat((columns.sin(), columns.cos()), dim=1)[None].expand(height, -1, -1)
    both = (of_row, of_column) if order == "h_first" else (of_column, of_row)
    return torch.cat(both, dim=2).flatten(0, 1).to(x.dtype)


class SelfAttention(nn.MultiheadAttention):
    """torch's attention of each pixel to all, where positions are added to queries and keys but not to values.

    torch's own call compares sizes, which a trace cannot hold.

    Shape: [B, N, C] and [N, C] to [B, N, C].
    """

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__(channels, heads, dropout, batch_first=True)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:  # type: ignore[override]  # of x alone
        both = 2 * self.embed_dim
        query, key = F.linear(x + positions, self.in_proj_weight[:both], self.in_proj_bias[:both]).chunk(2, dim=-1)
        value = F.linear(x, self.in_proj_weight[both:], self.in_proj_bias[both:])
        shape = (*x.shape[:2], self.num_heads, self.head_dim)
        query, key, value = (y.reshape(shape).transpose(1, 2) for y in (query, key, value))
        dropout = self.dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        y: Tensor = self.out_proj(seen.transpose(1, 2).flatten(2))
        return y


class EncoderLayer(nn.Module):
    """Attention, then two linear layers, each added to what it is given and normalised (arXiv:1706.03762 Sec. 3.1).

    The names of the modules are those of ``torch.nn.TransformerEncoderLayer``, and so is where dropout is.

    Shape: [B, N, C] and [N, C] to [B, N, C].
    """

    def __init__(self, channels: int, hidden: int, heads: int, act: nn.Module, dropout: float) -> None:
        super().__init__()
        self.self_attn = SelfAttention(channels, heads, dropout)
        self.linear1 = nn.Linear(channels, hidden)
        self.act = act
        self.linear2 = nn.Linear(hidden, channels)
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.dropout = dropout

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        x = self.norm1(x + self._dropped(self.self_attn(x, positions)))
        y = self.linear2(self._dropped(self.act(self.linear1(x))))
        result: Tensor = self.norm2(x + self._dropped(y))
        return result

    def _dropped(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)

    def extra_repr(self) -> str:
        return f"dropout={self.dropout}"


class Encoder(nn.Module):
    """Encoder layers one after the other on the pixels of a map (RT-DETR's AIFI, arXiv:2304.08069 Sec. 4.2).

    Shape: [B, C, H, W] to the same, laid out as the map is.
    """

    def __init__(self, layer: Callable[[], EncoderLayer], layers: int, order: Order) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layer() for _ in range(layers))
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        positions = sine_positions(x, self.order)
        pixels = x.flatten(2).transpose(1, 2)
        for layer in self.layers:
            pixels = layer(pixels, positions)
        y = pixels.transpose(1, 2).reshape(x.shape)
        return y if not is_traced() and is_channels_last(x) else y.contiguous()

    def extra_repr(self) -> str:
        return self.order
