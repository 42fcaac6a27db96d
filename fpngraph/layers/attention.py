"""Attention to channels and places. torchvision has squeeze and excitation, timm ECA and CBAM."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class CoordinateAttention(nn.Module):
    """``x * h * w``: two gates from the means of each row and of each column (arXiv:2103.02907 Sec. 3.2).

    The means pass one convolution together, with a batch norm and a hard swish, and then one for each direction. The
    names of the modules are those of the authors' code.

    Shape: [B, C, H, W] to the same.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, hidden, 1, bias=False)
        self.bn1: nn.Module = nn.BatchNorm2d(hidden)
        self.conv_h = nn.Conv2d(hidden, channels, 1)
        self.conv_w = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = x.mean(3, keepdim=True), x.mean(2, keepdim=True)
        both = torch.cat((rows, columns.transpose(2, 3)), dim=2)
        both = F.hardswish(self.bn1(self.conv1(both)))
        rows, columns = torch.split(both, list(x.shape[2:]), dim=2)
        y: Tensor = x * self.conv_h(rows).sigmoid() * self.conv_w(columns.transpose(2, 3)).sigmoid()
        return y


class NonLocal(nn.Module):
    """``x + conv_out(a(x) @ g(x))``: each pixel sees all, weighed by how alike they are (arXiv:1711.07971 Sec. 3.3).

    ``a`` is the softmax of ``theta(x) . phi(x)`` over the pixels that are seen, by ``scale`` divided by the root of
    their channels. The names of the modules are those of mmcv; unlike timm's there is no norm.

    Shape: [B, C, H, W] to the same.
    """

    def __init__(self, channels: int, hidden: int, *, scale: bool) -> None:
        super().__init__()
        self.theta = nn.Conv2d(channels, hidden, 1)
        self.phi = nn.Conv2d(channels, hidden, 1)
        self.g = nn.Conv2d(channels, hidden, 1)
        self.conv_out = nn.Conv2d(hidden, channels, 1)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (conv(x).flatten(2).transpose(1, 2)[:, None] for conv in (self.theta, self.phi, self.g))
        seen = F.scaled_dot_product_attention(query, key, value, scale=None if self.scale else 1.0)
        batch, _, height, width = x.shape
        joined = seen.transpose(2, 3).reshape(batch, self.g.out_channels, height, width)
        y: Tensor = x + self.conv_out(joined)
        return y

    def extra_repr(self) -> str:
        return f"scale={self.scale}"
