"""What is measured: a neck, or a whole detector, and what it is called with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fpngraph.analysis.costs import cost
from fpngraph.compiler.neck import Neck
from fpngraph.compiler.straight import ImageSizes
from fpngraph.efficientdet.model import EfficientDet
from fpngraph.exporting.check import random_maps

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is measured, and on what."""

    image_size: tuple[int, int] = (512, 512)
    batch: int = 1
    dtype: torch.dtype = torch.float32
    tf32: bool = False
    """Whether a GPU may round what it multiplies to TF32; torch itself lets convolutions, but no matrix products."""
    device: torch.device = CPU
    rounds: int = 20
    forms: tuple[str, ...] = ("eager", "fused", "sized", "compiled", "onnxruntime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What has forms. Its modules take a list of maps and give one."""

    name: str
    plain: nn.Module
    fuse: Callable[[ImageSizes], Any]
    """The inference form, for images of some sizes, with what it has not folded as ``unfolded``."""
    maps: list[Tensor]
    in_channels: Mapping[str, int]
    parameters: int | None
    macs: int | None
    """Multiply-accumulates of an image; None where those of the inference form are to be counted."""
    off: float = 1e-5
    """How far the outputs of two forms in float32 may be apart, as a share of the largest value."""

    def tolerance(self, *, rounded: bool) -> float:
        """The same in the type of the maps."""
        if self.maps[0].dtype not in (torch.float32, torch.float64):
            return 0.1
        return 1e-2 if rounded else self.off


def of_neck(neck: Neck, setting: Setting) -> Subject:
    """A neck, with random maps as a backbone gives them for one batch of images."""
    costs = cost(neck.source_graph, list(neck.in_channels.values()), setting.image_size)
    return Subject(
        name=neck.source_graph.name,
        plain=neck,
        fuse=lambda image_sizes: neck.fuse(image_sizes=image_sizes),
        maps=[x.to(setting.device, setting.dtype) for x in random_maps(neck, setting.batch, setting.image_size)],
        in_channels=neck.in_channels,
        parameters=costs.parameters,
        macs=costs.macs,
    )


def of_detector(model: EfficientDet, setting: Setting) -> Subject:
    """A whole detector but for what makes boxes of its predictions, with a batch of random images."""
    images = torch.randn(setting.batch, 3, *setting.image_size, generator=torch.Generator().manual_seed(0))

    def fuse(image_sizes: ImageSizes) -> Predicting:
        fused = model.fuse(image_sizes=image_sizes)
        return Predicting(fused, fused.unfolded)

    return Subject(
        name=model.config.name,
        plain=Predicting(model),
        fuse=fuse,
        maps=[images.to(setting.device, setting.dtype)],
        in_channels={"images": 3},
        parameters=sum(x.numel() for x in model.parameters()),
        macs=None,
        off=1e-4,  # through some hundred layers
    )


class Predicting(nn.Module):
    """A detector as a module from a list of one batch of images to its class maps, then its box maps."""

    def __init__(self, model: nn.Module, unfolded: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.model, self.unfolded = model, unfolded or {}

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        classes, boxes = self.model(maps[0])
        return [*classes, *boxes]
