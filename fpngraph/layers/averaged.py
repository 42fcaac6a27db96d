"""Down-samplers that take the mean of 2x2 pixels before all else."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from fpngraph.layers.named import Named
from fpngraph.layers.padding import steps
from fpngraph.layers.tracing import certain


class AveragedConv(Named):
    """``cv1(m)``, ``m`` the mean of 2x2 pixels of the map (YOLOv9, arXiv:2402.13616).

    The mean has a stride of 1 and no padding; of an odd number of pixels the last one is used once more, so that a
    stride of 2 gives ceil(n / 2). ``cv1``, its only list, has a stride of 2.

    Shape: [B, C, H, W] to [B, C', ceil(H / 2), ceil(W / 2)].
    """

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:  # type: ignore[override]  # a list takes no size
        (cv1,) = self
        y: Tensor = cv1(_averaged(x))
        return y


class AverageDown(Named):
    """``cat(cv1(a), cv2(max_pool(b)))``, ``a, b`` the halves of the mean of 2x2 pixels (YOLOv9, arXiv:2402.13616).

    The mean is that of :class:`AveragedConv`. ``cv1``, the first of its two lists, has a stride of 2; so has the 3x3
    pooling.

    Shape: [B, C, H, W] to [B, C', ceil(H / 2), ceil(W / 2)].
    """

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:  # type: ignore[override]  # a list takes no size
        cv1, cv2 = self
        a, b = _averaged(x).chunk(2, dim=1)
        return torch.cat((cv1(a), cv2(F.max_pool2d(b, 3, 2, 1))), dim=1)


def _averaged(x: Tensor) -> Tensor:
    return F.avg_pool2d(_even(_even(x, 2), 3), 2, 1)


def _even(x: Tensor, dim: int) -> Tensor:
    """The map with an even number of pixels in ``dim``: the last one of an odd number is there twice."""
    n = x.shape[dim]
    if certain(n == 2 * (n // 2)):
        return x
    # by index, since the number of pixels that a program pads by cannot depend on a size that it leaves open
    index = torch.arange(2 * steps(n, 2), device=x.device).clamp(max=n - 1)
    return x.index_select(dim, index)
