"""The neck of Gold-YOLO in plain torch, from arXiv:2309.11331 and, for its transformer, arXiv:2204.05525.

Modules have the names of our nodes, and hold their parts in the order of ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.equality.yolo_papers import conv, reps


def plain(in_channels: int, channels: int) -> nn.Sequential:
    """A 1x1 convolution and a batch norm as torch has it."""
    return nn.Sequential(nn.Conv2d(in_channels, channels, 1, bias=False), nn.BatchNorm2d(channels))


class Injection(nn.Module):
    """A level's own map times a gate, plus a map; both of these are made of the gathered one, then enlarged."""

    def __init__(self, own: int, gathered: int, channels: int, stage: nn.Module) -> None:
        super().__init__()
        self.own = plain(own, channels)
        self.gate = plain(gathered, channels)
        self.embedding = plain(gathered, channels)
        self.stage = stage

    def forward(self, own: Tensor, gathered: Tensor) -> Tensor:
        gate = F.hardsigmoid(self.gate(gathered))  # torch's: the sixth in its gradient is one of single precision
        gate, embedding = (enlarged(x, own) for x in (gate, self.embedding(gathered)))
        y: Tensor = self.stage(self.own(own) * gate + embedding)
        return y


def enlarged(x: Tensor, like: Tensor) -> Tensor:
    """Bilinear, to the size of another map."""
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)


def pooled(x: Tensor, like: Tensor) -> Tensor:
    """Averaged, to the size of another map."""
    return F.adaptive_avg_pool2d(x, (like.shape[2], like.shape[3]))


class Attention(nn.Module):
    """Heads of queries, keys and values one after the other; what is seen is made positive, at most 6, and joined."""

    def __init__(self, channels: int, heads: int, key: int, value: int) -> None:
        super().__init__()
        self.parts = [key, key, value]
        self.qkv = plain(channels, heads * sum(self.parts))
        self.proj = plain(heads * value, channels)

    def forward(self, x: Tensor) -> Tensor:
        found = []
        for head in self.qkv(x).split(sum(self.parts), dim=1):
            q, k, v = head.flatten(2).split(self.parts, dim=1)
            found.append(v @ (k.transpose(1, 2) @ q).softmax(dim=1))  # of the keys of each query
        y: Tensor = self.proj(torch.cat(found, dim=1).clamp(0, 6).unflatten(2, x.shape[2:]))
        return y


class Transformer(nn.Module):
    """Attention, then two 1x1 convolutions with a depthwise one of 3x3 between, each added to what it is given."""

    def __init__(self, channels: int, heads: int, key: int, value: int) -> None:
        super().__init__()
        self.attention = Attention(channels, heads, key, value)
        self.fc1 = plain(channels, channels)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.fc2 = plain(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        y: Tensor = x + self.fc2(self.depthwise(self.fc1(x)).clamp(0, 6))
        return y


class GoldYolo(nn.Module):
    """Maps of strides 4 to 32 to strides 8 to 32 of the channels ``width``, two blocks in each stage."""

    def __init__(self, given: Sequence[int], width: Sequence[int], gathered: int, **attention: int) -> None:
        super().__init__()
        (w3, w4, w5), (c2, c3, c4, c5) = width, given
        self.w3, self.w4, self.w5 = width
        self.F4 = nn.Sequential(conv(sum(given), gathered, 1, 1, nn.SiLU()), reps(gathered, gathered, 2))
        self.G4 = conv(gathered, w3 + w4, 1, 1, nn.SiLU())
        self.R5 = conv(c5, w4, 1, 1, nn.ReLU())
        self.L4 = nn.ModuleList([conv(c4, w4, 1, 1, nn.ReLU()), conv(c3 + 2 * w4, w4, 1, 1, nn.ReLU())])
        self.B4 = Injection(w4, w4, w4, reps(w4, w4, 2))
        self.R4 = conv(w4, w3, 1, 1, nn.ReLU())
        self.L3 = nn.ModuleList([conv(c3, w3, 1, 1, nn.ReLU()), conv(c2 + 2 * w3, w3, 1, 1, nn.ReLU())])
        self.B3 = Injection(w3, w3, w3, reps(w3, w3, 2))
        wide = w3 + w4 + c5
        self.G6 = nn.Sequential(*(Transformer(wide, **attention) for _ in range(2)), nn.Conv2d(wide, w4 + w5, 1))
        self.N4 = Injection(2 * w3, w4, w4, reps(w4, w4, 2))
        self.N5 = Injection(2 * w4, w5, w5, reps(w5, w5, 2))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        c2, c3, c4, c5 = maps
        aligned = torch.cat([pooled(c2, c4), pooled(c3, c4), c4, enlarged(c5, c4)], dim=1)
        of_b4, of_b3 = self.G4(self.F4(aligned)).split([self.w4, self.w3], dim=1)
        r5 = self.R5(c5)
        b4 = self.B4(self._local(self.L4, c3, c4, r5), of_b4)
        r4 = self.R4(b4)
        b3 = self.B3(self._local(self.L3, c2, c3, r4), of_b3)
        small = F.avg_pool2d(c5, 2, ceil_mode=True)  # of the size that is wanted
        of_n4, of_n5 = self.G6(torch.cat([pooled(x, small) for x in (b3, b4, c5)], dim=1)).split(
            [self.w4, self.w5], dim=1
        )
        n4 = self.N4(torch.cat([pooled(b3, b4), r4], dim=1), of_n4)
        return [b3, n4, self.N5(torch.cat([pooled(n4, c5), r5], dim=1), of_n5)]

    def _local(self, parts: nn.Module, fine: Tensor, own: Tensor, coarse: Tensor) -> Tensor:
        narrow, join = parts.children()
        y: Tensor = join(torch.cat([pooled(fine, own), narrow(own), enlarged(coarse, own)], dim=1))
        return y
