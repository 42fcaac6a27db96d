"""Normalisations that torch has no module for, or none that hosts leave alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class L2Norm(nn.Module):
    """``weight * x / (|x| + eps)``, the length being that of a pixel's channels (ParseNet, arXiv:1506.04579 Sec. 3.3).

    At least in single precision, since half a type has no number as small as ``eps``.

    Shape: [B, C, H, W] to the same.
    """

    def __init__(self, channels: int, *, scale: float, eps: float) -> None:
        super().__init__()
        self.scale, self.eps = scale, eps
        self.weight = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Every weight is ``scale``."""
        nn.init.constant_(self.weight, self.scale)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        length = torch.linalg.vector_norm(wide, dim=1, keepdim=True)
        y: Tensor = self.weight.view(-1, 1, 1) * (wide / (length + self.eps))
        return y.to(x.dtype)

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, scale={self.scale}, eps={self.eps}"


class KeptBatchNorm2d(nn.modules.batchnorm._BatchNorm):
    """A batch norm that whoever replaces every ``nn.BatchNorm2d`` leaves alone, since it is none.

    Shape: [B, C, H, W] to the same.
    """

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002  (torch's name)
        if input.dim() != 4:
            raise ValueError(f"the map has {input.dim()} dimensions, but must have 4")


def keep_batch_norms(module: nn.Module) -> None:
    """Make the batch norms inside ``module`` such that hosts which freeze those of a backbone do not find them.

    They stay the same objects with the same tensors and names; ``SyncBatchNorm.convert_sync_batchnorm`` finds them.
    """
    for part in module.modules():
        if type(part) is nn.BatchNorm2d:
            part.__class__ = KeptBatchNorm2d  # type: ignore[assignment]  # of the same base, and without data of its own
