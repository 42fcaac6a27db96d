"""What a detector finds in images, written while it goes: pictures with boxes, and at the end data as COCO has them."""

from __future__ import annotations

import io
import json
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from PIL.Image import Image

from fpngraph.cli import messages
from fpngraph.cli.output import shows_progress
from fpngraph.cli.photos import Photo
from fpngraph.cli.values import UsageError, reason
from fpngraph.detection.annotate import draw_on
from fpngraph.detection.boxes import Detections
from fpngraph.detection.coco import Category, CocoImage, dataset, results
from fpngraph.detection.detector import Detector
from fpngraph.detection.images import ImageError, open_image
from fpngraph.exporting.runtime import OnnxDetector
from fpngraph.files import replace_file

Advance = Callable[[], object]
Finder = Detector | OnnxDetector
"""What finds objects: torch runs it, or ONNX Runtime."""


def files_in(folder: Path) -> tuple[Path, Path]:
    """The files of data: of the detections, and of the images that they are in."""
    return folder / "detections.json", folder / "images.json"


def complain(path: object, problem: str) -> None:
    """Tell about an image that is left out."""
    messages.complain(f"{str(path)!r}: {problem}", "detect")


@contextmanager
def told(command: str, kind: type[Warning], options: Mapping[str, str]) -> Iterator[None]:
    """Warnings of one kind are told as messages of a command, with options for arguments of Python."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", kind)
        yield
    for warning in caught:
        if not isinstance(warning.message, kind):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
            continue
        text = str(warning.message)
        for argument, option in options.items():
            text = text.replace(argument, option)
        messages.complain(f"warning: {text}", command)


def write(  # noqa: PLR0913  (the options of a run)
    detector: Finder,
    planned: Sequence[Photo],
    categories: Sequence[Category],
    *,
    image_size: tuple[int, int] | None,
    score: float,
    batch_size: int,
) -> int:
    """Write everything, a picture as soon as it is made, and return how many of the images could be read.

    Pictures show what has at least ``score``, the data have all. Raises OSError for what cannot be written.
    """
    folder, rows, images = planned[0].output.parent, [], []
    names = [it.name for it in categories]
    with progress(len(planned), "detect") as advance:
        for photo, image, found in _found(detector, planned, image_size, batch_size, advance):
            rows += results(found, photo.image_id, categories)
            images.append(CocoImage(photo.image_id, photo.path.as_posix(), *image.size))
            folder.mkdir(parents=True, exist_ok=True)
            draw_on(image, found, names, score=score)  # it is as large as its file says, and nobody needs it any more
            replace_file(photo.output, _encoded(image, photo.output.suffix))
            print(f"{photo.path}: {_counted(found, names, score)} -> {photo.output}", flush=True)
    if images:
        results_file, images_file = files_in(folder)
        replace_file(images_file, _json(dataset(images, categories)))
        replace_file(results_file, _json(rows))
        print(f"wrote {results_file} and {images_file}")
    return len(images)


def _found(
    detector: Finder,
    planned: Sequence[Photo],
    image_size: tuple[int, int] | None,
    batch_size: int,
    advance: Advance,
) -> Iterator[tuple[Photo, Image, Detections]]:
    """Each image that can be read, with what is in it."""
    opened = _opened(planned, advance)
    while batch := list(islice(opened, batch_size)):
        every = detector.detect([image for _, image in batch], image_size=image_size, batch_size=batch_size)
        for (photo, image), found in zip(batch, every, strict=True):
            if not (found.boxes.isfinite().all() and found.scores.isfinite().all()):
                raise UsageError("what the model gives are no numbers: its weights are broken")
            yield photo, image, found
            advance()


def _opened(planned: Sequence[Photo], advance: Advance) -> Iterator[tuple[Photo, Image]]:
    """The images, without those that cannot be read, with a message for each."""
    for photo in planned:
        try:
            yield photo, open_image(photo.path)
        except ImageError as error:
            complain(photo.path, str(error))
            advance()
        except OSError as error:
            complain(photo.path, error.strerror or reason(error))
            advance()


def _encoded(image: Image, ending: str) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG" if ending == ".jpg" else "PNG", quality=95)
    return file.getvalue()


def _counted(found: Detections, names: Sequence[str], score: float) -> str:
    """Such as '2 person, 1 dog', most first."""
    counts = Counter(names[label] for label in found.labels[found.scores >= score].tolist())
    return ", ".join(f"{number} {name}" for name, number in counts.most_common()) or "nothing"


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


@contextmanager
def progress(total: int, command: str) -> Iterator[Advance]:
    """A bar on a terminal for more than one image; lines that are printed meanwhile go above it."""
    if total == 1 or not shows_progress():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty()) as progress:
        task = progress.add_task(command, total=total)
        yield lambda: progress.advance(task)
