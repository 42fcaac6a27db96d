"""A neck as a file that other programs run, once what is in it has been run and gives what the neck gives."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from fpngraph.compiler.neck import Neck
from fpngraph.errors import first_line, nearest
from fpngraph.exporting import onnx, torch_export
from fpngraph.exporting.check import largest_difference
from fpngraph.exporting.program import ExportError, silence

_WRITERS = {"onnx": onnx.written, "torch-export": torch_export.written}
FORMS = tuple(_WRITERS)


@dataclass(frozen=True, slots=True)
class Exported:
    """The content of a file, and what is known of it."""

    content: bytes
    inputs: tuple[str, ...]
    """What the program calls its inputs, in the order of the graph's."""
    operators: int
    difference: float
    """The largest from the neck that was found, relative to the largest value of an output."""
    unfolded: Mapping[str, str]
    """What its inference form has not folded: path in the neck to reason."""


def export(neck: Neck, form: str, *, image_size: tuple[int, int], opset: int | None = None) -> Exported:
    """The neck in eval mode as ``onnx`` or ``torch-export``, traced for images of ``image_size``, height and width.

    Batch and sizes stay open, with two pixels or more at every level. The program is loaded again and run at other
    sizes. Raises ExportError for what cannot be written, or comes out different, and ValueError for another ``form``.
    """
    if form not in FORMS:
        raise ValueError(f"there is no form {form!r}\n  hint: {nearest(form, FORMS)}")
    _check_packages(form)
    neck = copy.deepcopy(neck).eval()
    coarsest = torch_export.coarsest_level(neck)
    least = 2**coarsest + 1
    if min(image_size) < least:
        found = "x".join(map(str, image_size))
        raise ExportError(f"images of {found} pixels have fewer than 2 at level {coarsest}, but {least} a side have 2")
    height, width = image_size
    others = ((1, (height + 1, width + 3)), (3, (max(least, height // 2 + 5), max(least, width // 2 - 3))))
    with silence(), torch.no_grad():
        try:
            fused = neck.fuse()
            traced = torch_export.traced(neck, fused, image_size)
            program = _WRITERS[form](neck, traced, opset)
            difference = largest_difference(neck, program.run, others)
        except ExportError:
            raise
        except Exception as error:  # whatever torch and onnxruntime say of somebody's operator, or of an opset
            cause = error.__cause__ or error  # torch's own says only that the conversion failed
            raise ExportError(f"{form} does not take the neck: {first_line(cause)}") from error
    return Exported(program.content, program.inputs, program.operators, difference, fused.unfolded)


def _check_packages(form: str) -> None:
    if too_old := torch_export.torch_is_too_old():
        raise ExportError(too_old)
    if form == "onnx" and (missing := onnx.missing_package()):
        text = f"ONNX needs the package {missing!r}, which is not installed"
        raise ExportError(f"{text}\n  hint: pip install 'fpngraph[onnx]'")
