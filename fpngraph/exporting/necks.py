"""A neck as a file that other programs run, once what is in it has been run and gives what the neck gives."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.export import Dim

from fpngraph.compiler.neck import Neck
from fpngraph.detection.detector import input_size
from fpngraph.exporting.check import largest_difference, random_maps
from fpngraph.exporting.forms import check_form, written
from fpngraph.exporting.program import ExportError, Progress, Traced, check_tensors, stage, unheard


@dataclass(frozen=True, slots=True)
class Exported:
    """The content of a file, and what is known of it."""

    content: bytes = field(repr=False)
    inputs: tuple[str, ...]
    """What the program calls its inputs, in the order of the module's."""
    operators: int
    difference: float
    """The largest from the module that was found, relative to the largest value of an output."""
    unfolded: Mapping[str, str]
    """What its inference form has not folded: path in the module to reason."""


def export_neck(
    neck: Neck,
    form: str,
    *,
    image_size: tuple[int, int],
    opset: int | None = None,
    progress: Progress = unheard,
) -> Exported:
    """The neck in eval mode and float32 as ``onnx`` or ``torch-export``.

    It is traced for images of ``image_size``, height and width.
    Batch and sizes stay open, with two pixels or more at every level. The program is loaded again and run at other
    sizes. Raises ExportError for what cannot be written, or comes out different, ValueError for another ``form`` or no
    size, and TypeError for what is no neck.
    """
    check_form(form)
    if not isinstance(neck, Neck):
        hint = "fpngraph.build(graph, in_channels) makes one; of a fused one, export the neck that it was made of"
        raise TypeError(f"neck is a {type(neck).__name__}, not a Neck\n  hint: {hint}")
    height, width = input_size(image_size)
    check_tensors(neck, "neck")
    neck = copy.deepcopy(neck).cpu().float().eval()
    coarsest = coarsest_level(neck)
    least = 2**coarsest + 1
    if min(height, width) < least:
        raise ExportError(
            f"images of {height}x{width} pixels have fewer than 2 at level {coarsest}, but {least} a side have 2"
        )
    others = ((1, (height + 1, width + 3)), (3, (max(least, height // 2 + 5), max(least, width // 2 - 3))))
    begin = partial(stage, form, "neck", progress)
    with begin("tracing"):
        fused = neck.fuse()
        traced = _traced(neck, fused, image_size)
    with begin("writing"):
        program = written(form, traced, opset)
    with begin("comparing"):
        given = [random_maps(neck, batch, size) for batch, size in others]
        difference = largest_difference(neck, program.run, given)
    return Exported(program.content, program.inputs, program.operators, difference, fused.unfolded)


def coarsest_level(neck: Neck) -> int:
    """The coarsest level of a map in the neck."""
    graph = neck.source_graph
    return max(*(entry.level for entry in graph.inputs.values()), *(node.level for node in graph.nodes.values()))


def _traced(neck: Neck, fused: nn.Module, image_size: tuple[int, int]) -> Traced:
    """The program of ``fused``, the inference form of ``neck``."""
    shapes = (_open_sizes(neck),)
    program = torch.export.export(fused, (random_maps(neck, 2, image_size),), dynamic_shapes=shapes)
    return Traced(
        program, tuple(neck.in_channels), tuple(neck.out_channels), shapes, arguments=lambda maps: (list(maps),)
    )


def _open_sizes(neck: Neck) -> list[dict[int, Any]]:
    """The batch is one for all inputs; maps of one level have one size, which no other level decides."""
    batch, coarsest = Dim("batch"), coarsest_level(neck)
    sides = {
        level: {
            axis: Dim(f"{side}{level}", min=2 ** (coarsest - level) + 1) for axis, side in ((2, "height"), (3, "width"))
        }
        for level in {entry.level for entry in neck.source_graph.inputs.values()}
    }
    return [{0: batch} | sides[entry.level] for entry in neck.source_graph.inputs.values()]
