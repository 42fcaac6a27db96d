"""Necks of Ultralytics' models: the rows of a model file between its backbone and its head, replayed.

Ultralytics is AGPL: it is compared with, and nothing of it is copied.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from tests.oracles.reference import Reference, library

SIDE = 256  # of the image that tells levels and channels of the rows


@dataclass(frozen=True)
class Row:
    """A row of the neck: its number in the model, the rows that it reads, and what the model file says it is."""

    number: int
    sources: tuple[int, ...]
    kind: str
    arguments: Sequence[Any]


class Rows(nn.Module):
    """Rows of a model as a neck, their modules named as in the model: ``model.12.cv1.conv.weight``."""

    def __init__(
        self, rows: Sequence[Row], modules: Mapping[int, nn.Module], inputs: Sequence[int], outputs: Sequence[int]
    ) -> None:
        super().__init__()
        self.rows, self.inputs, self.outputs = rows, inputs, outputs
        self.model = nn.ModuleDict({str(row.number): modules[row.number] for row in rows})

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        values = dict(zip(self.inputs, maps, strict=True))
        for row in self.rows:
            given = [values[source] for source in row.sources]
            values[row.number] = self.model[str(row.number)](given if len(given) > 1 else given[0])
        return [values[number] for number in self.outputs]


def neck(file: str, scale: str | None = None) -> Reference:
    """The neck of a model file, such as ``v8/yolov8.yaml``, at a scale that the file has.

    Of the row before the neck, such as the SPPF of YOLOv8, the output is an input.
    """
    text = read(file, scale)
    return cut(model_of(text), text)


def read(file: str, scale: str | None = None) -> dict[str, Any]:
    """What a model file says."""
    path = Path(_library().__file__).parent / "cfg" / "models" / file
    text = yaml.safe_load(path.read_text(encoding="utf-8"))
    return text if scale is None else text | {"scale": scale}


def model_of(text: Mapping[str, Any]) -> Any:
    """The whole model that a file says."""
    _library()
    with library("ultralytics"):
        from ultralytics.nn import tasks

        kind = tasks.RTDETRDetectionModel if text["head"][-1][2] == "RTDETRDecoder" else tasks.DetectionModel
        return kind(dict(text), verbose=False)


def cut(model: Any, text: Mapping[str, Any]) -> Reference:
    """The rows of a model that are neither of its backbone nor its last."""
    modules = list(model.model)
    first = len(text["backbone"])
    said = [*text["backbone"], *text["head"]]
    sources = [_sources(module.f, number) for number, module in enumerate(modules)]
    rows = [
        Row(number, sources[number], str(said[number][2]), said[number][3]) for number in range(first, len(modules) - 1)
    ]
    outputs = sources[-1]
    inputs = sorted({source for row in rows for source in row.sources if source < first})
    maps = maps_of(model, {*inputs, *outputs}, torch.zeros(1, 3, SIDE, SIDE))
    levels = {number: (SIDE // x.shape[-1]).bit_length() - 1 for number, x in maps.items()}
    return Reference(
        Rows(rows, dict(enumerate(modules)), inputs, outputs),
        {levels[number]: maps[number].shape[1] for number in inputs},
        tuple(levels[number] for number in outputs),
        multiple=2 ** max(levels.values()),
    )


def maps_of(model: Any, numbers: set[int], image: Tensor) -> dict[int, Tensor]:
    """What rows of a model give for an image, in eval mode."""
    maps: dict[int, Tensor] = {}
    hooks = [
        model.model[number].register_forward_hook(lambda _row, _given, y, number=number: maps.__setitem__(number, y))
        for number in numbers
    ]
    with torch.no_grad():
        model.eval()(image)
    for hook in hooks:
        hook.remove()
    return maps


def _sources(said: int | list[int], number: int) -> tuple[int, ...]:
    """The rows that a row reads; one that is negative counts back from the row itself."""
    return tuple(number + source if source < 0 else source for source in (said if isinstance(said, list) else [said]))


@cache
def _library() -> Any:
    """Ultralytics, such that it asks no network, installs nothing, and keeps its settings in this environment."""
    os.environ |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}
    os.environ.setdefault("YOLO_CONFIG_DIR", str(Path(sys.prefix) / "etc"))
    with library("ultralytics"):
        import ultralytics
    return ultralytics
