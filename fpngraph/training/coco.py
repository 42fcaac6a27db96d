"""A data set in COCO's format, read with everything that is wrong with it at once."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fpngraph.detection.coco import Category
from fpngraph.detection.images import ImageError, open_image
from fpngraph.files import did_you_mean
from fpngraph.training.dataset import Box, CocoData, DataError, DataProblem, Example

_LONGEST = 80  # characters of a value in a message
_ROUNDING = 1.0  # pixels by which a box may stick out, as many tools write them


def read_coco(
    images: str | os.PathLike[str],
    annotations: str | os.PathLike[str],
    *,
    categories: Sequence[Category] | None = None,
    skip_bad: bool = False,
) -> CocoData:
    """The data set of a file in COCO's format and the folder of its images, every image looked at.

    ``categories`` are those that it has to have, of a model or of another part of the data. Objects marked as a crowd
    are no objects to learn. With ``skip_bad`` images and objects with which something is wrong are left out, and
    ``skipped`` tells them.
    Raises DataError with all that is wrong: a file that is none or lacks something, images that are missing, broken
    or of another size than it says, boxes outside of their image or without an area, unknown categories, numbers that
    are there twice, and a set without a single image.
    """
    reading = _Reading(Path(images), Path(annotations))
    data = reading.load()
    known = reading.categories(data["categories"])
    if categories is not None and known != tuple(categories):
        reading.say("categories", f"they are {_named(known)}, but must be {_named(categories)}")
        raise DataError(reading.fatal + reading.problems)
    reading.fatal += reading.problems
    reading.problems = []
    examples = reading.examples(data, known)
    hint = "skip_bad=True (--skip-bad) leaves out these images and objects" if not reading.fatal else ""
    if not examples and not (reading.fatal or reading.problems):
        reading.fatal.append(DataProblem(str(reading.file), "images", "there are none"))
        hint = ""
    if reading.fatal or (reading.problems and not skip_bad):
        raise DataError(reading.fatal + reading.problems, hint)
    if not examples:
        raise DataError([DataProblem(str(reading.file), "images", "none is left"), *reading.problems])
    return CocoData(reading.file, known, tuple(examples), tuple(reading.problems), frozenset(reading.left_out))


def numbers_in(annotations: str | os.PathLike[str]) -> tuple[frozenset[int], frozenset[int]]:
    """The numbers of the images and of the categories in a file of COCO's format, no image looked at.

    Raises DataError with all for which nothing can be measured against it.
    """
    reading = _Reading(Path(annotations).parent, Path(annotations))
    data = reading.load()
    categories = reading.categories(data["categories"])
    images = reading.rows(data, "images", {"id": int})
    for place, entry in enumerate(data["annotations"]):
        reading.annotation(place, entry)
    if reading.problems:
        raise DataError(reading.problems)
    return frozenset(row["id"] for row in images), frozenset(it.id for it in categories)


def is_box(bbox: Sequence[Any]) -> bool:
    """Whether it is four numbers."""
    return len(bbox) == 4 and all(
        isinstance(it, int | float) and not isinstance(it, bool) and abs(it) <= sys.float_info.max for it in bbox
    )


class _Reading:
    """One file on its way to a data set; ``fatal`` is what nothing can be left out for."""

    def __init__(self, folder: Path, file: Path) -> None:
        self.folder, self.file = folder, file
        self.fatal: list[DataProblem] = []
        self.problems: list[DataProblem] = []
        self.left_out: set[int] = set()

    def say(self, where: str, message: str) -> None:
        self.problems.append(DataProblem(str(self.file), where, message))

    def load(self) -> dict[str, list[Any]]:
        """The three lists of the file."""
        self._check_places()
        try:
            data = json.loads(self.file.read_bytes())
        except OSError as error:
            problem = DataProblem(str(self.file), "", error.strerror or "cannot be read")
            raise DataError([problem], did_you_mean(self.file) or "") from None
        except (ValueError, RecursionError) as error:  # a number may have too many digits for Python
            place = f"line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            raise DataError([DataProblem(str(self.file), place, "this is no JSON")]) from None
        if not isinstance(data, dict):
            raise DataError([DataProblem(str(self.file), "", f"it is {_kind(data)}, but must be a mapping")])
        for key in ("images", "annotations", "categories"):
            if not isinstance(data.get(key), list):
                found = f"it is {_kind(data[key])}" if key in data else "it is missing"
                self.say(key, f"{found}, but must be a list")
        if not self.folder.is_dir():
            self.problems.append(DataProblem(str(self.folder), "", "there is no such folder"))
        if self.problems:
            raise DataError(self.problems, did_you_mean(self.folder) or "")
        return data

    def _check_places(self) -> None:
        if self.folder.is_file():
            self.problems.append(DataProblem(str(self.folder), "", "it is a file, but must be the folder of images"))
        if self.file.is_dir():
            self.problems.append(DataProblem(str(self.file), "", "it is a folder, but must be the file of annotations"))
        if self.problems:
            raise DataError(self.problems, "the folder comes first, then the file" if len(self.problems) > 1 else "")

    def categories(self, entries: Sequence[Any]) -> tuple[Category, ...]:
        found = []
        for place, entry in enumerate(entries):
            values = self._values(f"categories[{place}]", entry, {"id": int, "name": str})
            if values:
                found.append(Category(values["id"], values["name"]))
        self._unique("category", (it.id for it in found), self.problems)
        for name in _twice(it.name for it in found):
            self.say("categories", f"the name {_shown(name)} is there twice")
        if not entries:
            self.say("categories", "there are none")
        return tuple(sorted(found, key=lambda it: it.id))

    def examples(self, data: Mapping[str, Sequence[Any]], categories: Sequence[Category]) -> list[Example]:
        """The images with which nothing is wrong."""
        wanted = {"id": int, "file_name": str, "width": int, "height": int}
        known = self.rows(data, "images", wanted)
        self._unique("image", (row["id"] for row in known), self.fatal)
        by_id = {row["id"]: row for row in known}
        objects = self._objects(data["annotations"], by_id, {it.id: n for n, it in enumerate(categories)})
        with ThreadPoolExecutor() as pool:
            fits = list(pool.map(self._wrong_image, by_id.values()))
        good = []
        for row, wrong in zip(by_id.values(), fits, strict=True):
            if wrong:
                self.problems.append(DataProblem(str(self.folder / row["file_name"]), f"image {row['id']}", wrong))
                continue
            boxes, labels = zip(*objects.get(row["id"], ()), strict=True) if objects.get(row["id"]) else ((), ())
            good.append(Example(row["id"], self.folder / row["file_name"], row["width"], row["height"], boxes, labels))
        return good

    def _wrong_image(self, row: Mapping[str, Any]) -> str:
        """What is wrong with an image; nothing if it can be trained on."""
        try:
            size = open_image(self.folder / row["file_name"]).size
        except FileNotFoundError:
            return "there is no such file"
        except OSError as error:
            return error.strerror or "cannot be read"
        except ImageError as error:
            return str(error)
        said = (row["width"], row["height"])
        return "" if size == said else f"it is {size[0]}x{size[1]}, but the annotations say {said[0]}x{said[1]}"

    def _objects(
        self, entries: Sequence[Any], images: Mapping[int, Mapping[str, Any]], labels: Mapping[int, int]
    ) -> dict[int, list[tuple[Box, int]]]:
        """Box and label of each object that is right, by the number of its image."""
        found: dict[int, list[Any]] = {}
        rows = [self.annotation(place, entry) for place, entry in enumerate(entries)]
        self._unique("annotation", (row["id"] for row in rows if row), self.fatal)
        for place, (row, entry) in enumerate(zip(rows, entries, strict=True)):
            box = self._box(row, images, labels) if row else None
            if row is None or box is None:
                self.left_out.add(place)
            elif not entry.get("iscrowd"):
                found.setdefault(row["image_id"], []).append((box, labels[row["category_id"]]))
        return found

    def annotation(self, place: int, entry: Any) -> dict[str, Any] | None:
        """What is said of an object; None if that is wrong by itself."""
        wanted = {"id": int, "image_id": int, "category_id": int, "bbox": list}
        row = self._values(f"annotations[{place}]", entry, wanted)
        if row is None:
            return None
        before, where = len(self.problems), f"annotation {row['id']}"
        if not is_box(row["bbox"]):
            self.say(where, f"'bbox' is {_shown(row['bbox'])}, but must be 4 numbers")
        for key, kind, what in (("area", int | float, "a number"), ("iscrowd", int, "0 or 1")):
            if not isinstance(entry.get(key), kind | None):
                self.say(where, f"{key!r} is {_shown(entry[key])}, but must be {what}")
        return row if len(self.problems) == before else None

    def _box(
        self, row: Mapping[str, Any], images: Mapping[int, Mapping[str, Any]], labels: Mapping[int, int]
    ) -> Box | None:
        """Left, top, right, bottom within the image, of a category that is known."""
        where, image, before = f"annotation {row['id']}", images.get(row["image_id"]), len(self.problems)
        if image is None:
            self.say(where, f"there is no image {row['image_id']}")
        if row["category_id"] not in labels:
            self.say(where, f"there is no category {row['category_id']}")
        left, top, width, height = map(float, row["bbox"])
        of = f" of image {image['id']}" if image else ""
        if width <= 0 or height <= 0:
            self.say(where, f"the box {_shown(row['bbox'])}{of} has no area")
        elif image is not None:
            outside = max(-left, -top, left + width - image["width"], top + height - image["height"])
            if outside > _ROUNDING:
                size = f"{image['width']}x{image['height']}"
                self.say(where, f"the box {_shown(row['bbox'])} sticks out of image {image['id']}, which is {size}")
        if image is None or len(self.problems) > before:
            return None
        return max(left, 0.0), max(top, 0.0), min(left + width, image["width"]), min(top + height, image["height"])

    def rows(self, data: Mapping[str, Sequence[Any]], key: str, wanted: Mapping[str, type]) -> list[dict[str, Any]]:
        """The values under these keys of all entries of a list that have them."""
        rows = (self._values(f"{key}[{place}]", entry, wanted) for place, entry in enumerate(data[key]))
        return [row for row in rows if row]

    def _values(self, where: str, entry: Any, wanted: Mapping[str, type]) -> dict[str, Any] | None:
        """The values of an entry under these keys, if all are there and of these types."""
        if not isinstance(entry, Mapping):
            self.say(where, f"it is {_kind(entry)}, but must be a mapping")
            return None
        wrong = False
        for key, kind in wanted.items():
            value = entry.get(key)
            if not isinstance(value, kind) or isinstance(value, bool):
                found = f"is {_shown(value)}" if key in entry else "is missing"
                self.say(where, f"{key!r} {found}, but must be {_KINDS[kind]}")
                wrong = True
        return None if wrong else {key: entry[key] for key in wanted}

    def _unique(self, what: str, numbers: Iterable[int], problems: list[DataProblem]) -> None:
        for number in _twice(numbers):
            problems.append(DataProblem(str(self.file), f"{what} {number}", "the number is there twice"))


_KINDS = {int: "an integer", str: "a text", list: "a list"}


def _twice(values: Iterable[Any]) -> list[Any]:
    return [value for value, times in Counter(values).items() if times > 1]


def _kind(value: Any) -> str:
    names = {list: "a list", dict: "a mapping", str: "a text", type(None): "nothing"}
    return names.get(type(value), "a number")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _named(categories: Sequence[Category]) -> str:
    text = ", ".join(f"{it.id} {it.name}" for it in categories)
    return text if len(text) <= 3 * _LONGEST else f"{text[: 3 * _LONGEST - 3]}..."
