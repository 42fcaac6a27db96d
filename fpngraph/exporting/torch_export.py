"""A neck as an exported program of torch, with batch and sizes left open."""

from __future__ import annotations

import io
from typing import Any

import torch
from torch import nn
from torch.export import Dim

from fpngraph.compiler.neck import Neck
from fpngraph.exporting.check import random_maps
from fpngraph.exporting.program import ExportError, Program

OLDEST_TORCH = (2, 13)
"""The first that leaves every size open which a neck does; 2.8 to 2.10 stop with "Constraints violated"."""


def torch_is_too_old() -> str | None:
    """Why this torch does not export necks with their sizes left open, if it does not."""
    if tuple(map(int, torch.__version__.split(".")[:2])) >= OLDEST_TORCH:
        return None
    return f"exports need torch {'.'.join(map(str, OLDEST_TORCH))} or newer, this is {torch.__version__}"


def coarsest_level(neck: Neck) -> int:
    """The coarsest level of a map in the neck."""
    graph = neck.source_graph
    return max(*(entry.level for entry in graph.inputs.values()), *(node.level for node in graph.nodes.values()))


def traced(neck: Neck, fused: nn.Module, image_size: tuple[int, int]) -> torch.export.ExportedProgram:
    """The program of ``fused``, the inference form of ``neck``."""
    maps = random_maps(neck, 2, image_size)
    return torch.export.export(fused, (maps,), dynamic_shapes=(open_sizes(neck),))


def open_sizes(neck: Neck) -> list[dict[int, Any]]:
    """The batch is one for all inputs; maps of one level have one size, which no other level decides."""
    batch, coarsest = Dim("batch"), coarsest_level(neck)
    sides = {
        level: {
            axis: Dim(f"{side}{level}", min=2 ** (coarsest - level) + 1) for axis, side in ((2, "height"), (3, "width"))
        }
        for level in {entry.level for entry in neck.source_graph.inputs.values()}
    }
    return [{0: batch} | sides[entry.level] for entry in neck.source_graph.inputs.values()]


def written(neck: Neck, program: torch.export.ExportedProgram, opset: int | None) -> Program:
    """The program as a file of torch. Raises ExportError for an ``opset``, which is ONNX's."""
    if opset is not None:
        raise ExportError("an opset is for ONNX, and torch-export has none")
    file = io.BytesIO()
    torch.export.save(program, file)
    content = file.getvalue()
    loaded = torch.export.load(io.BytesIO(content))
    operators = sum(node.op == "call_function" for node in loaded.graph.nodes)
    module = loaded.module()
    return Program(content, tuple(neck.in_channels), operators, lambda maps: module(list(maps)))
