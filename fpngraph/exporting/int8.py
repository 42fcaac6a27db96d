"""Detectors of ONNX in 8 bits: weights and maps of their convolutions, by ONNX Runtime's static quantisation."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.ops import box_iou  # type: ignore[import-untyped]  # torchvision has no hints

from fpngraph.detection.boxes import Detections
from fpngraph.detection.detector import Picture, inputs
from fpngraph.detection.images import ImageError
from fpngraph.errors import first_line
from fpngraph.exporting.description import Description
from fpngraph.exporting.detectors import INPUTS
from fpngraph.exporting.program import ExportError, silence
from fpngraph.exporting.runtime import OnnxDetector

_QUANTISED = ["Conv"]
"""Boxes and scores are worked out of what these give, in float32."""
_HALF = 0.5
_ROUNDS = 3


def quantised(content: bytes, description: Description, images: Sequence[Picture]) -> bytes:
    """A detector of ``export_detector`` with the convolutions in int8, each of its channels on a scale of its own.

    ``images`` show the ranges of maps: some that are like those to come. Nodes that quantise and dequantise (QDQ)
    stand around each convolution. Raises ExportError where there are none, or ONNX Runtime cannot do it, OSError and
    ImageError for an image that cannot be read.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static  # type: ignore[import-untyped]
    from onnxruntime.quantization.shape_inference import quant_pre_process  # type: ignore[import-untyped]  # no hints

    if not images:
        raise ExportError("int8 needs images to calibrate with")
    with tempfile.TemporaryDirectory() as folder:
        given, ready, result = (Path(folder, f"{name}.onnx") for name in ("given", "ready", "result"))
        given.write_bytes(content)
        try:
            with silence():
                quant_pre_process(given, ready, skip_symbolic_shape=True)
                quantize_static(
                    ready,
                    result,
                    _Reader(description, images),
                    quant_format=QuantFormat.QDQ,
                    per_channel=True,
                    op_types_to_quantize=_QUANTISED,
                    activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8,
                )
        except (OSError, ImageError):  # of an image
            raise
        except Exception as error:  # ONNX Runtime has an error of its own for each way to be wrong
            raise ExportError(f"ONNX Runtime cannot write it in int8: {first_line(error)}") from error
        return result.read_bytes()


class _Reader:
    """Images one by one, as ONNX Runtime asks for them."""

    def __init__(self, description: Description, images: Sequence[Picture]) -> None:
        self._given = self._batches(description, images)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._given, None)

    def _batches(self, description: Description, images: Sequence[Picture]) -> Iterator[dict[str, Any]]:
        for pixels, originals in inputs(images, description.image_size, description.normalization, 1):
            sides = [[side / original.scale for side in original.size] for original in originals]
            yield dict(zip(INPUTS, (pixels.numpy(), np.array(sides, np.float32)), strict=True))


@dataclass(frozen=True, slots=True)
class Loss:
    """What becomes of the detections of a program in another that takes its place."""

    wanted: int
    """Detections of the first."""
    kept: int
    """Those of which the second has one of the same class that overlaps it by half or more."""
    mean_score: float
    """By which scores of these differ."""
    largest_score: float


def loss(wanted: Sequence[Detections], found: Sequence[Detections], *, score: float) -> Loss:
    """How far detections, those of a score or better, are from those that are wanted, image by image."""
    number, differences = 0, [torch.zeros(0)]
    for one, other in zip(wanted, found, strict=True):
        there = one.scores >= score
        number += int(there.sum())
        if not (there.any() and len(other.scores)):
            continue
        overlaps = box_iou(one.boxes[there], other.boxes) * (one.labels[there][:, None] == other.labels)
        overlap, nearest = overlaps.max(1)
        differences.append((one.scores[there] - other.scores[nearest]).abs()[overlap >= _HALF])
    every = torch.cat(differences)
    mean, largest = (float(every.mean()), float(every.max())) if len(every) else (0.0, 0.0)
    return Loss(number, len(every), mean, largest)


def seconds_of(detector: OnnxDetector, images: Sequence[Picture]) -> float:
    """The least time for an image, of some rounds over all, after one that does not count."""
    rounds = []
    for _ in range(_ROUNDS + 1):
        start = time.perf_counter()
        detector.detect(images)
        rounds.append(time.perf_counter() - start)
    return min(rounds[1:]) / len(images)
