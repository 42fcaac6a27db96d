"""A backbone with its neck as a file that other programs run, once it has been run and gives the same maps."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from torch import Tensor

from fpngraph.compiler.neck import Neck
from fpngraph.detection.detector import input_size
from fpngraph.exporting.check import largest_difference
from fpngraph.exporting.forms import check_form, written
from fpngraph.exporting.necks import Exported, coarsest_level
from fpngraph.exporting.program import Progress, Traced, check_tensors, stage, unheard
from fpngraph.exporting.sizes import Sizes
from fpngraph.exporting.torch_export import traced_openly
from fpngraph.feature import Size
from fpngraph.pyramid.feature_pyramid import FeaturePyramid


def export_pyramid(
    pyramid: FeaturePyramid,
    form: str,
    *,
    image_size: tuple[int, int],
    opset: int | None = None,
    progress: Progress = unheard,
) -> tuple[Exported, Sizes]:
    """The pyramid in eval mode and float32 as ``onnx`` or ``torch-export``, and the images that it takes.

    The program takes ``image`` [B, in_chans, H, W], as the backbone does, and gives the maps by the names of the
    graph's outputs. The batch stays open; so do the sides, as far as torch can leave them open. The program is loaded
    again and run at other sizes. Raises ExportError for what cannot be written, or comes out different, ValueError for
    another ``form`` or no size, and TypeError for what is no pyramid, or one whose neck is an inference form.
    """
    check_form(form)
    size = input_size(image_size)
    if not (isinstance(pyramid, FeaturePyramid) and isinstance(pyramid.neck, Neck)):
        hint = "of a fused one, export the FeaturePyramid that it was made of"
        raise TypeError(f"pyramid is a {type(pyramid).__name__}, not a FeaturePyramid with a Neck\n  hint: {hint}")
    check_tensors(pyramid, "pyramid")
    stride = 1 << coarsest_level(pyramid.neck)
    reference = copy.deepcopy(pyramid).cpu().float().eval()

    def images(batch: int, size: Size) -> tuple[Tensor]:
        generator = torch.Generator().manual_seed(0)
        return (torch.randn(batch, reference.in_chans, *size, generator=generator),)

    begin = partial(stage, form, "pyramid", progress)
    with begin("tracing"):
        fused = reference.fuse()
        program, sizes = traced_openly(fused, images, _shapes, stride=stride, image_size=size)
        traced = Traced(program, ("image",), tuple(reference.neck.out_channels), _shapes(sizes))
    with begin("writing"):
        made = written(form, traced, opset)
    with begin("comparing"):
        given = [images(batch, other) for batch, other in sizes.others(sizes.near(size))]
        difference = largest_difference(lambda given: [*reference(*given).values()], made.run, given, "pyramid")
    return Exported(made.content, made.inputs, made.operators, difference, fused.unfolded), sizes


def _shapes(sizes: Sizes) -> tuple[Any, ...]:
    return (sizes.dimensions(),)
