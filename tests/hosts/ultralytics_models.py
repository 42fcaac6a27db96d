"""Ultralytics as tests use it, and model files for it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from tests.oracles.reference import library

BACKBONE = """
- [-1, 1, Conv, [16, 3, 2]]
- [-1, 1, Conv, [16, 3, 2]]
- [-1, 1, Conv, [24, 3, 2]]
- [-1, 1, C2f, [24, True]]
- [-1, 1, Conv, [32, 3, 2]]
- [-1, 1, Conv, [40, 3, 2]]
"""
BIFPN = """
- [[3, 4, 5], 1, FPNGraph, [bifpn, {channels: 16, repeats: 2}]]
- [[P3, P4, P5, P6, P7], 1, Detect, [nc]]
"""


@contextmanager
def with_our_row() -> Iterator[Any]:
    """Ultralytics with our row, such that it asks no network and keeps its settings in a temporary folder."""
    os.environ |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}
    os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp())
    with library("ultralytics", hint="'make test-hosts' runs this"):
        import ultralytics
        from ultralytics.nn import tasks

        from fpngraph.adapters import ultralytics as adapter

        yield SimpleNamespace(YOLO=ultralytics.YOLO, tasks=tasks, adapter=adapter, file=Path(ultralytics.__file__))


def said(head: str, backbone: str = BACKBONE, **more: Any) -> dict[str, Any]:
    """What a model file of Ultralytics says."""
    return {"nc": 2, "backbone": yaml.safe_load(backbone), "head": yaml.safe_load(head), **more}


def written(folder: Path, head: str, name: str = "model.yaml", **more: Any) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(said(head, **more)), encoding="utf-8")
    return path


def image(height: int = 128, width: int = 128) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))


def layer_of(model: nn.Module) -> nn.Module:
    """The layer that is the neck."""
    return next(part for part in model.modules() if type(part).__name__ == "FPNGraph")


def maps_of(model: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    """What the neck of a model gives for an image."""
    found: list[tuple[Tensor, ...]] = []
    hook = layer_of(model).register_forward_hook(lambda _part, _given, y: found.append(y))
    with torch.no_grad():
        model.eval()(x)
    hook.remove()
    return found[-1]


def norms(model: nn.Module) -> set[tuple[float, float | None]]:
    """Settings of the norms of the neck."""
    return settings(layer_of(model))


def settings(part: nn.Module) -> set[tuple[float, float | None]]:
    """Of all batch norms in it: eps and momentum."""
    return {(norm.eps, norm.momentum) for norm in part.modules() if isinstance(norm, nn.BatchNorm2d)}
