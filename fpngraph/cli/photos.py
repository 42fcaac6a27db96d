"""The images that a run is about, each with a number of its own and a place for its drawn copy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from fpngraph.files import did_you_mean

_JPEG = {".jpeg", ".jpg"}
_ENDINGS = _JPEG | {".avif", ".bmp", ".gif", ".jp2", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_DIGITS = 18  # of a number that 64 bits hold


@dataclass(frozen=True, slots=True)
class Photo:
    """An image of a run: where it is, where its drawn copy goes, and the number by which results call it."""

    path: Path
    output: Path
    image_id: int


def photos(paths: Iterable[Path], folder: Path) -> list[Photo]:
    """The images as a run takes them, each once, however often it is named.

    A file whose name is a number has that number, as COCO's files do, if no other has taken it; the rest are counted
    from 1 on. Drawn copies have the names of the images, and a number added where two would have the same.
    """
    paths = list({path.absolute(): path for path in paths}.values())
    pairs = zip(paths, _outputs(paths), _image_ids(paths), strict=True)
    return [Photo(path, folder / output, image_id) for path, output, image_id in pairs]


def paths_of(named: Iterable[str]) -> tuple[list[Path], list[tuple[str, str]]]:
    """The images that are named, those of folders too; and for what names none, what is wrong with it."""
    paths: list[Path] = []
    missing = []
    for name in named:
        path = Path(name)
        if name and path.is_dir():  # '' is no name of the folder where one is
            found, problem = _images_in(path), "there are no images in this folder"
        else:
            found = [path] if path.is_file() else []
            hint = did_you_mean(path)
            gone = "there is no such file" + (f"\n  hint: {hint}" if hint else "")
            problem = "this is no regular file" if name and path.exists() else gone
        paths += found
        missing += [] if found else [(name, problem)]
    return paths, missing


def _images_in(folder: Path) -> list[Path]:
    """The images of a folder, not of those within it, by name; hidden ones are left out."""
    found = (path for path in folder.iterdir() if path.suffix.lower() in _ENDINGS and not path.name.startswith("."))
    return sorted(path for path in found if path.is_file())


def _outputs(paths: Sequence[Path]) -> Iterator[str]:
    """Names that differ by more than upper and lower case, which are one in some file systems."""
    taken: set[str] = set()
    for path in paths:
        ending = ".jpg" if path.suffix.lower() in _JPEG else ".png"
        names = (f"{path.stem}{'' if number == 1 else f'-{number}'}{ending}" for number in count(1))
        name = next(name for name in names if name.casefold() not in taken)
        taken.add(name.casefold())
        yield name


def _image_ids(paths: Sequence[Path]) -> list[int]:
    own: dict[int, Path] = {}
    for path in paths:
        if path.stem.isascii() and path.stem.isdigit() and len(path.stem) <= _DIGITS:
            own.setdefault(int(path.stem), path)
    numbers = (number for number in count(1) if number not in own)
    by_path = {path: number for number, path in own.items()}
    return [by_path[path] if path in by_path else next(numbers) for path in paths]
