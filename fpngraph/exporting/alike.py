"""Whether a program finds what a detector finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fpngraph.detection.boxes import Detections, Original
from fpngraph.detection.detector import Detector
from fpngraph.detection.images import normalised
from fpngraph.exporting.program import ExportError, Run
from fpngraph.exporting.sizes import Batches
from fpngraph.feature import Size

_SCORE, _SIDE = 1e-4, 1e-4
"""Within which scores, and boxes in parts of the image's larger side, are alike."""
LEAST = 0.98
"""Of all detections, those that must be alike: by rounding, two boxes that overlap by the limit may go either way."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many of the detections of two programs have one like them in the other, and how far those are apart."""

    found: int = 0
    alike: int = 0
    score: float = 0.0
    """The largest difference of scores."""
    box: float = 0.0
    """The largest difference of a side, in pixels."""

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(
            self.found + other.found,
            self.alike + other.alike,
            max(self.score, other.score),
            max(self.box, other.box),
        )

    def __str__(self) -> str:
        numbers = f"scores within {self.score:.1e}, boxes within {self.box:.1e} pixels"
        return f"{self.alike} of {self.found} detections are alike: {numbers}"


@torch.no_grad()
def compared(detector: Detector, run: Run, batches: Batches, score: float) -> Comparison:
    """What a program finds in images of some sizes, beside what a detector finds of a score or better.

    Raises ExportError if it is something else, or where there is nothing to compare though no score is asked for.
    """
    total = Comparison()
    for batch, size in batches:
        images, sizes = images_of(batch, size)
        originals = [Original(Size(*map(int, it)), 1.0) for it in sizes.tolist()]
        wanted = detector(normalised(images, detector.model.normalization), originals)
        found = unpacked(run([images, sizes]))
        for one, other in zip(found, wanted, strict=True):
            total += alike(one, _above(other, score), max(size))
    if total.found == 0 and score == 0:
        raise ExportError(
            "the detector finds nothing at all, so that nothing can be compared\n"
            "  hint: where its weights are no numbers (NaN), its scores are none either"
        )
    if not total.alike >= LEAST * total.found:
        raise ExportError(f"what was exported finds something else than the detector: {total}")
    return total


def _above(found: Detections, score: float) -> Detections:
    there = found.scores >= score
    return Detections(found.boxes[there], found.scores[there], found.labels[there])


def images_of(batch: int, size: Size) -> tuple[Tensor, Tensor]:
    """Images of soft spots, and the part of each that is image.

    Shape: [batch, 3, H, W], uint8, and [batch, 2], float32, height and width.
    """
    generator = torch.Generator().manual_seed(0)
    spots = torch.rand(batch, 3, max(2, size.height // 16), max(2, size.width // 16), generator=generator)
    images = nn.functional.interpolate(spots, tuple(size), mode="bicubic").clamp(0, 1)
    parts = 1 - 0.5 * torch.rand(batch, 2, generator=generator)
    return (255 * images).round().to(torch.uint8), (parts * torch.tensor(size)).floor()


def unpacked(outputs: Iterable[Tensor]) -> list[Detections]:
    """The detections of each image in what a program gives: its rows up to the first without a label."""
    every = []
    for boxes, scores, labels in zip(*outputs, strict=True):
        there = labels >= 0
        every.append(Detections(boxes[there], scores[there], labels[there]))
    return every


def alike(one: Detections, other: Detections, side: int) -> Comparison:
    """Of both together, how many have one of the same label, score and box in the other."""
    found = len(one.scores) + len(other.scores)
    if not (len(one.scores) and len(other.scores)):
        return Comparison(found)
    scores = (one.scores[:, None] - other.scores).abs()
    boxes = (one.boxes[:, None] - other.boxes).abs().amax(2)
    near = (one.labels[:, None] == other.labels) & (scores <= _SCORE) & (boxes <= _SIDE * side)
    number = int(near.any(0).sum() + near.any(1).sum())
    # of several that are near, the nearest counts
    far = torch.where(near, boxes, torch.inf).amin(1)
    far_scores = torch.where(near, scores, torch.inf).amin(1)
    return Comparison(found, number, _largest(far_scores), _largest(far))


def _largest(values: Tensor) -> float:
    known = values[values.isfinite()]
    return float(known.max()) if len(known) else 0.0
