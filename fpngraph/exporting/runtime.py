"""A detector in a file of ONNX, run by ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor

from fpngraph.detection.boxes import Detections
from fpngraph.detection.detector import Picture, input_size, inputs
from fpngraph.errors import Refusal, first_line
from fpngraph.exporting.alike import unpacked
from fpngraph.exporting.description import Description
from fpngraph.exporting.detectors import INPUTS
from fpngraph.exporting.onnx import KEY, missing_package, session_of
from fpngraph.feature import Size

_PROVIDERS: Mapping[str, Sequence[str]] = {"cpu": [], "cuda": ["CUDAExecutionProvider"]}

_HINT = "fpngraph export --weights best.ckpt -o detector.onnx"


class ProgramError(Refusal, ValueError):
    """A file is no detector that ``export_detector`` has written, or cannot run as it was asked for."""


class OnnxDetector:
    """Finds objects with a file of ``export_detector``, as ``fpngraph.detection.Detector`` does with its model.

    ``source`` is the path of the file, or its content.

    ``description`` is what the file says of itself. ``device`` is ``cpu`` or ``cuda``.
    Raises OSError for a file that cannot be read, ProgramError for one that is no such detector.
    """

    def __init__(self, source: str | os.PathLike[str] | bytes, *, device: str = "cpu") -> None:
        if missing := missing_package():
            text = f"ONNX needs the package {missing!r}, which is not installed"
            raise ProgramError(f"{text}\n  hint: pip install 'fpngraph[onnx]'")
        if isinstance(source, bytes):
            content, what = source, "the content"
        else:
            content, what = Path(source).read_bytes(), repr(os.fspath(source))
        try:
            self._session = session_of(content, providers=_providers(device))
        except ProgramError:
            raise
        except Exception as error:  # ONNX Runtime has an error of its own for each way to be wrong
            raise ProgramError(
                f"{what} is no model that ONNX Runtime can run: {first_line(error)}\n  hint: {_HINT}"
            ) from error
        said = self._session.get_modelmeta().custom_metadata_map.get(KEY)
        if said is None:
            raise ProgramError(f"{what} is no detector of fpngraph\n  hint: {_HINT}")
        try:
            self.description = Description.model_validate_json(said)
        except ValidationError as error:
            raise ProgramError(f"{what} says of itself what this version of fpngraph does not know") from error

    def detect(
        self, images: Sequence[Picture], *, image_size: tuple[int, int] | None = None, batch_size: int = 1
    ) -> list[Detections]:
        """What is in each image of Pillow or image file, in its pixels; as ``Detector.detect``.

        Raises ProgramError for an ``image_size`` that the program does not take.
        """
        size = input_size(self.description.image_size if image_size is None else image_size)
        self.check(size)
        found: list[Detections] = []
        for pixels, originals in inputs(images, size, self.description.normalization, batch_size):
            sides = [[side / original.scale for side in original.size] for original in originals]
            for one, original in zip(unpacked(self._run(pixels, torch.tensor(sides))), originals, strict=True):
                found.append(Detections(one.boxes * original.scale, one.scores, one.labels))
        return found

    def check(self, image_size: tuple[int, int]) -> None:
        """Raises ProgramError for a height and width that the program does not take."""
        size = Size(*image_size)
        if not self.description.sizes.take(size):
            taken = self.description.sizes
            raise ProgramError(f"the program takes images {taken}, not of {size.height}x{size.width}")

    def _run(self, images: Tensor, sizes: Tensor) -> list[Tensor]:
        given = {name: x.numpy() for name, x in zip(INPUTS, (images, sizes), strict=True)}
        return [torch.from_numpy(result) for result in self._session.run(None, given)]


def _providers(device: str) -> Sequence[str]:
    """ONNX Runtime's, for a device. Raises ProgramError for one that it does not have here."""
    import onnxruntime  # type: ignore[import-untyped]  # it has no hints

    wanted = _PROVIDERS.get(device)
    if wanted is None or not set(wanted) <= set(onnxruntime.get_available_providers()):
        has = ", ".join(
            name for name, it in _PROVIDERS.items() if set(it) <= set(onnxruntime.get_available_providers())
        )
        raise ProgramError(f"ONNX Runtime has no device {device!r} here; it has {has}")
    return wanted
