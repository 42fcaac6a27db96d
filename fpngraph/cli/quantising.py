"""A detector of ONNX in 8 bits, and what that costs and gains here, printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fpngraph.cli.evaluating import average_precision, check, of_finder
from fpngraph.cli.photos import paths_of
from fpngraph.cli.values import UsageError
from fpngraph.exporting.detectors import ExportedDetector
from fpngraph.exporting.int8 import loss, quantised, seconds_of
from fpngraph.exporting.runtime import OnnxDetector

_SCORE = 0.3  # from which detections are compared, as 'detect' draws them
_TIMED = 8  # images


@dataclass(frozen=True, slots=True)
class Calibration:
    """Images to calibrate with, and images with annotations to measure with, if there are any."""

    images: str
    val: Sequence[str] | None

    def paths(self) -> Sequence[Path]:
        """The images. Raises UsageError where there are none, or nothing measures with the others."""
        if self.val:
            check(None, force=False)
        paths, missing = paths_of([self.images])
        if missing:
            raise UsageError(f"--calibrate {self.images!r}: {missing[0][1]}")
        return paths


def in_int8(exported: ExportedDetector, calibration: Calibration, paths: Sequence[Path]) -> bytes:
    """The detector in int8; what is lost, and the time, are printed. Raises ImageError for an image that is none."""
    content = quantised(exported.content, exported.description, paths)
    full, small = OnnxDetector(exported.content), OnnxDetector(content)
    times = [seconds_of(detector, paths[:_TIMED]) for detector in (small, full)]
    difference = loss(full.detect(paths), small.detect(paths), score=_SCORE)
    size, before = len(content), len(exported.content)
    print(f"int8: {size:,} bytes, {size / before:.2f} of {before:,} in float32")
    milliseconds = [1000 * time for time in times]
    ratio = times[0] / times[1]
    print(f"int8: {milliseconds[0]:.1f} ms for an image here, {ratio:.2f} of {milliseconds[1]:.1f} ms in float32")
    if calibration.val:
        _print_precision(full, small, *calibration.val)
    print(
        f"int8: of {difference.wanted} detections of score {_SCORE} or better in the images of --calibrate, "
        f"{difference.kept} are found again; their scores differ by {difference.mean_score:.3f} on average, "
        f"{difference.largest_score:.3f} at most"
    )
    return content


def _print_precision(full: OnnxDetector, small: OnnxDetector, images: str, annotations: str) -> None:
    truth = Path(annotations)
    before, after = (
        average_precision(truth, of_finder(detector, detector.description.categories, Path(images), truth)).ap["AP"]
        for detector in (full, small)
    )
    if before is None or after is None:
        raise UsageError(f"{annotations!r} has no object to measure with")
    print(f"int8: AP {100 * after:.1f}, in float32 {100 * before:.1f}")
