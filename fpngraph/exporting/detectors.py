"""A whole detector as a file that other programs run, once what is in it has found what the detector finds."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import torch
from torch import nn

from fpngraph.detection.coco import Category, class_names, numbered
from fpngraph.detection.detector import DetectionModel, Detector
from fpngraph.exporting.alike import Comparison, compared, images_of
from fpngraph.exporting.description import Description
from fpngraph.exporting.forms import check_form, written
from fpngraph.exporting.program import ExportError, Progress, Traced, check_tensors, refusals, stage, unheard
from fpngraph.exporting.sizes import Sizes
from fpngraph.exporting.suppression import kept_by_onnx, kept_by_torchvision
from fpngraph.exporting.torch_export import traced_openly
from fpngraph.exporting.whole import Suppress, WholeDetector
from fpngraph.feature import Size

INPUTS, OUTPUTS = ("images", "sizes"), ("boxes", "scores", "labels")
_SUPPRESS: dict[str, Suppress] = {"onnx": kept_by_onnx, "torch-export": kept_by_torchvision}


@dataclass(frozen=True, slots=True)
class ExportedDetector:
    """The content of a file, and what is known of it."""

    content: bytes = field(repr=False)
    description: Description
    operators: int
    comparison: Comparison
    unfolded: Mapping[str, str]
    """What its inference form has not folded: path in the detector to reason."""


def export_detector(  # noqa: PLR0913  (the options of an export)
    model: DetectionModel,
    form: str,
    *,
    categories: Sequence[Category] | None = None,
    score: float = 0.0,
    opset: int | None = None,
    progress: Progress = unheard,
) -> ExportedDetector:
    """The detector in eval mode and float32, with its suppression of boxes, as ``onnx`` or ``torch-export``.

    The program takes ``images`` and ``sizes`` and gives ``boxes``, ``scores`` and ``labels``, as ``WholeDetector``
    says. The number of images stays open; so do their sides, as far as torch can leave them open. ``categories`` are
    the names of the classes, by default COCO's or numbers; what is below ``score`` is left out. The program is loaded
    again, and what it finds in images of other sizes is compared with what ``Detector`` finds.

    Raises ExportError for what cannot be written, or comes out different, and ValueError for another ``form`` or
    ``score``.
    """
    check_form(form)
    if not 0 <= score <= 1:
        raise ValueError(f"score is {score!r}, but must be from 0 to 1")
    _check(model)
    reference = copy.deepcopy(model)
    network = cast("nn.Module", reference).cpu().float().eval()
    with refusals(form, "detector"):
        fused: nn.Module = cast("Any", network).fuse() if hasattr(network, "fuse") else network
        classes, stride = _read(reference)
        named = tuple(numbered(class_names(classes)) if categories is None else categories)
        if len(named) != classes:
            raise ExportError(f"there are {len(named)} categories, but the model has {classes} classes")
    for limit in sorted({0.0, score}):  # the first finds something in any image, so that more is compared
        whole = WholeDetector(reference, fused, _SUPPRESS[form], score=limit)
        begin = partial(stage, form, "detector", _of_scores(progress, limit))
        with begin("tracing"):
            traced, description = _traced(whole, stride, Size(*model.image_size), named)
        with begin("writing"):
            program = written(form, traced, opset)
        with begin("comparing"):
            others = description.sizes.others(description.image_size)
            comparison = compared(Detector(reference), program.run, others, limit)
    return ExportedDetector(program.content, description, program.operators, comparison, getattr(fused, "unfolded", {}))


def _check(model: DetectionModel) -> None:
    """Raises TypeError for what is no DetectionModel, ExportError for one that cannot be in a file."""
    Detector(model)
    check_tensors(cast("nn.Module", model), "detector")
    if model.suppression.soft:
        raise ExportError(
            "soft suppression cannot be in a file: programs have operators that remove boxes, none that lowers scores\n"
            "  hint: export it without, and detect with the checkpoint for soft suppression"
        )


def _of_scores(progress: Progress, limit: float) -> Progress:
    """The same, of a program that leaves out lower scores."""
    return (lambda stage: progress(f"{stage}, for scores from {limit:g} on")) if limit else progress


def _read(model: DetectionModel) -> tuple[int, int]:
    """How many classes a detector has, and the stride of its coarsest map, as a power of 2."""
    size = model.image_size
    classes, _ = model(torch.zeros(1, 3, *size))
    per_pixel = max(-(-side // pixels) for x in classes for side, pixels in zip(size, x.shape[-2:], strict=True))
    return classes[0].shape[1] // model.anchors.per_place, 1 << (per_pixel - 1).bit_length()


def _traced(
    whole: WholeDetector, stride: int, image_size: Size, categories: tuple[Category, ...]
) -> tuple[Traced, Description]:
    """The program of torch, and its description, which goes with it."""
    program, sizes = traced_openly(whole, images_of, _shapes, stride=stride, image_size=image_size)
    description = Description(
        image_size=sizes.near(image_size),
        sizes=sizes,
        normalization=whole.normalization,
        categories=categories,
        score=whole.score,
        suppression=whole.suppression,
    )
    return Traced(program, INPUTS, OUTPUTS, _shapes(sizes), description=description.model_dump_json()), description


def _shapes(sizes: Sizes) -> tuple[Any, ...]:
    dimensions = sizes.dimensions()
    return dimensions, {0: dimensions[0]}
