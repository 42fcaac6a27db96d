"""Detectors of torchvision as models of ONNX, with whatever backbone and neck, once they find the same."""

from __future__ import annotations

import copy
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from fpngraph.detection.boxes import Detections
from fpngraph.exporting.alike import LEAST, Comparison, alike
from fpngraph.exporting.forms import check_form
from fpngraph.exporting.onnx import run_of
from fpngraph.exporting.program import ExportError, check_tensors, refusals

_OPSET = 17  # from which on the older exporter writes all that these detectors have
_OUTPUTS = ("boxes", "scores", "labels")


@dataclass(frozen=True, slots=True)
class ExportedTorchvision:
    """The content of a file, and how far it is from the detector."""

    content: bytes = field(repr=False)
    comparison: Comparison


def export_torchvision(
    detector: nn.Module, images: Sequence[Tensor], *, opset: int | None = None
) -> ExportedTorchvision:
    """A detector of torchvision in eval mode and float32 as a model of ONNX, for one image of the size of ``images``.

    That should be the size that the detector scales to (its ``min_size`` and ``max_size``): ONNX scales otherwise.

    The model takes ``image`` [3, H, W], red, green and blue from 0 to 1, as the detector does, and gives ``boxes``
    [N, 4], ``scores`` [N] and ``labels`` [N]; masks and key points stay behind. It is traced with the first of
    ``images`` and compared on all of them: use some with objects in them.

    torch's newer exporter stops where torchvision decides by the number of boxes, so that the older one writes it.
    Raises ExportError for what cannot be written, or finds something else, or nothing at all.
    """
    check_form("onnx")
    check_tensors(detector, "detector")
    reference = copy.deepcopy(detector).cpu().float().eval()
    if not images or any(it.ndim != 3 or it.shape != images[0].shape or not it.is_floating_point() for it in images):
        raise ExportError(
            "images must be tensors [3, height, width] of one size, from 0 to 1, to trace and compare with"
        )
    given = [image.detach().cpu().float() for image in images]
    with refusals("onnx", "detector"):
        whole = _OneImage(reference)
        wanted = [Detections(*whole(image)) for image in given]
        content = _written(whole, given[0], opset or _OPSET)
        run = run_of(content, ("image",))
        total = Comparison()
        for image, one in zip(given, wanted, strict=True):
            total += alike(Detections(*run([image])), one, max(image.shape[1:]))
    if total.found == 0:
        raise ExportError("the detector finds nothing in these images, so that nothing can be compared")
    if not total.alike >= LEAST * total.found:
        raise ExportError(
            f"what was exported finds something else than the detector: {total}\n"
            "  hint: images of the size that the detector scales to need no scaling, which ONNX does otherwise"
        )
    return ExportedTorchvision(content, total)


class _OneImage(nn.Module):
    """A detector that takes an image in place of a list of them."""

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        (found,) = self.detector([image])
        return tuple(found[name] for name in _OUTPUTS)


def _written(module: nn.Module, image: Tensor, opset: int) -> bytes:
    file: Any = io.BytesIO()  # torch has hints for paths only
    torch.onnx.export(
        module.eval(),
        (image,),
        file,
        dynamo=False,
        input_names=["image"],
        output_names=list(_OUTPUTS),
        opset_version=opset,
    )
    content: bytes = file.getvalue()
    return content
