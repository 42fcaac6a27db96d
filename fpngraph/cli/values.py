"""What is typed after a command: values read from text, and modules to import first."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from math import isfinite, nan, prod
from pathlib import Path
from typing import Any

from fpngraph.errors import GraphError, Refusal
from fpngraph.files import did_you_mean
from fpngraph.language.yaml.source import read

_MOST_PIXELS = 1 << 26  # of an image; 800 MB before the first layer
_MOST_DIGITS = 12  # of a number; what is too large for its purpose is told by name
_MOST_THREADS = 1024
_LONGEST = 20_000  # characters of all parameters; what needs more is written into a file
_WIDEST = 60  # characters of what was typed that a message shows
_NO_PARAMETERS = {  # no graph can have parameters of these names
    "preset": "'--preset NAME' chooses a preset, where a command has it",
    "folder": "'--graphs FOLDER' names a folder of graph files, where a command has it",
}
_INTEGER = re.compile(r"-?[0-9]+")
_PATH = re.compile(r"[/\\]|^\.|\.py$")  # what is no name of a module
_OF_MEMORY = re.compile(r"memory|Storage size calculation overflowed|numel: integer multiplication overflow")


class UsageError(Refusal):
    """What was asked for cannot be done as it was asked."""


def reason(error: BaseException) -> str:
    """What went wrong, on one line, with the file that an OSError is about."""
    if isinstance(error, OSError) and error.strerror:
        named = f"{str(error.filename)!r}: " if error.filename is not None else ""
        return f"{named}{error.strerror}"
    return " ".join(f"{type(error).__name__}: {error}".split())


def with_hint(error: OSError) -> str:
    """``reason``, and under it the path that may be meant where there is nothing at the one that was typed."""
    path = error.filename if isinstance(error, FileNotFoundError) else None
    hint = did_you_mean(path) if isinstance(path, str | os.PathLike) else None
    return f"{reason(error)}\n  hint: {hint}" if hint else reason(error)


def _quoted(text: str) -> str:
    """What was typed, as far as a message has room for it."""
    return repr(text if len(text) <= _WIDEST else f"{text[:_WIDEST]}...")


class Parameters:
    """Reads each ``name=value``, until they are longer than anybody types."""

    _length = 0

    def __call__(self, text: str) -> tuple[str, Any]:
        self._length += len(text)
        if self._length > _LONGEST:
            raise argparse.ArgumentTypeError(f"{_quoted(text)} brings them to more than {_LONGEST:,} characters")
        return parameter(text)


def parameter(text: str) -> tuple[str, Any]:
    """``name=value`` of the command line, the value read as YAML."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not of the form NAME=VALUE")
    if name in _NO_PARAMETERS:
        raise argparse.ArgumentTypeError(f"{_quoted(text)} sets no parameter: {_NO_PARAMETERS[name]}")
    try:
        entries = read(f"value: {value}", "-p").plain()
    except GraphError as error:
        raise argparse.ArgumentTypeError(f"{_quoted(text)}: {error.problems[0].message}") from error
    if entries.keys() != {"value"}:
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is more than one value")
    return name, entries["value"]


def chosen(text: str) -> tuple[str, str | None, dict[str, Any]]:
    """Graph, preset and parameters of ``GRAPH@PRESET,NAME=VALUE``; a file whose name has an '@' is that file.

    Raises ArgumentTypeError for a parameter that is not written so.
    """
    name, at, after = text.rpartition("@")
    if not at or not name or os.path.exists(text):  # noqa: PTH110  (no name is too long for it)
        return text, None, {}
    words = after.split(",")
    presets = [word for word in words if "=" not in word]
    if len(presets) > 1 or "" in words:
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not of the form GRAPH@PRESET or GRAPH@NAME=VALUE,...")
    return name, presets[0] if presets else None, dict(parameter(word) for word in words if "=" in word)


def folder(text: str) -> Path:
    """A folder that exists."""
    if not os.path.isdir(text):  # noqa: PTH112  (no name is too long for it)
        hint = did_you_mean(text)
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is no folder" + (f"\n  hint: {hint}" if hint else ""))
    return Path(text)


def place(text: str) -> Path:
    """A folder that is there or will be."""
    if not text:
        raise argparse.ArgumentTypeError("'' is no folder")
    return Path(text)


def in_channels(text: str) -> tuple[int, ...]:
    """Comma-separated numbers of channels."""
    parts = [part.strip() for part in text.split(",")]
    if not all(_INTEGER.fullmatch(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not a list of numbers such as 40,112,320")
    if not all(len(part) <= _MOST_DIGITS for part in parts):
        raise argparse.ArgumentTypeError(f"{_quoted(text)} has a number of more than {_MOST_DIGITS} digits")
    return tuple(map(int, parts))


def strides(text: str) -> tuple[int, ...]:
    """Comma-separated strides, powers of two, each twice the one before."""
    parts = [part.strip() for part in text.split(",")]
    found = [int(part) if _is_whole(part) else 0 for part in parts]
    doubled = [found[0] << place for place in range(len(found))]
    if not found[0] or found[0] & (found[0] - 1) or found != doubled:
        message = f"{_quoted(text)} is not a list of strides, each twice the one before, such as 4,8,16,32"
        raise argparse.ArgumentTypeError(message)
    return tuple(found)


def _is_whole(text: str) -> bool:
    """Whether it is a number from 1 to about a million."""
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and 0 < int(text) < 1 << 20


def image_size(text: str) -> tuple[int, int]:
    """``512`` or ``512x640``, as (height, width)."""
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(map(_is_whole, sides)):
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is no image size such as 512 or 512x640")
    return int(sides[0]), int(sides[-1])


def check_pixels(size: tuple[int, int] | None) -> None:
    """Raises UsageError for an image that no memory holds once a network runs."""
    if size and prod(size) > _MOST_PIXELS:
        raise UsageError(f"--image-size has more than {_MOST_PIXELS:,} pixels")


def _number(text: str) -> float:
    """The number, or the one that is in no range."""
    try:
        return float(text)
    except ValueError:
        return nan


def scale(text: str) -> float:
    """A number above 0."""
    number = _number(text)
    if not (number > 0 and isfinite(number)):
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not a number above 0")
    return number


def width(text: str) -> str:
    """A length on paper with its unit."""
    from fpngraph.drawing.picture.size import length_px

    try:
        length_px(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def heading(text: str) -> tuple[str, str]:
    """``stage=text``."""
    stage, equals, words = text.partition("=")
    if not (stage and equals and words.strip()):
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not of the form STAGE=TEXT")
    return stage, words


def count(text: str) -> int:
    """A whole number from 1 to about a million."""
    if not _is_whole(text):
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not a whole number from 1 to a million")
    return int(text)


def pictures(text: str) -> int | str | None:
    """``best``, ``none``, or a number of epochs."""
    if text in ("best", "none"):
        return None if text == "none" else text
    if not _is_whole(text):
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not 'best', 'none' or a number of epochs")
    return int(text)


def up_to(most: int) -> Callable[[str], int]:
    """What reads a whole number from 0 to ``most``."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most):
            raise argparse.ArgumentTypeError(f"{_quoted(text)} is not a whole number from 0 to {most}")
        return int(text)

    return read


def score(text: str) -> float:
    """A number from 0 to 1."""
    number = _number(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not a number from 0 to 1")
    return number


def rounds(text: str) -> int:
    """A number of rounds that has quartiles."""
    if count(text) < 2:
        raise argparse.ArgumentTypeError("quartiles need 2 rounds or more")
    return count(text)


def threads(text: str) -> int:
    """A number of threads that a system can start."""
    if not _is_whole(text) or int(text) > _MOST_THREADS:
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not a whole number from 1 to {_MOST_THREADS}")
    return int(text)


@contextmanager
def enough_memory(hint: str) -> Iterator[None]:
    """Raises UsageError with the hint where the memory is too small for what is done meanwhile."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch says the second, in its own words for each device
        if isinstance(error, RuntimeError) and not _OF_MEMORY.search(str(error)):
            raise
        raise UsageError(f"the memory is too small\n  hint: {hint}") from error


def import_operators(modules: Iterable[str]) -> None:
    """Import modules by name, those of the working directory included. Raises UsageError with the reason."""
    for module in modules:
        if _PATH.search(module):
            name = re.split(r"[/\\]", module)[-1].removesuffix(".py").strip(".")
            hint = f"\n  hint: write '--import {name}' in the folder of the module" if name.isidentifier() else ""
            message = "is a path, but --import takes a name, such as 'own' for own.py in the folder where you are"
            raise UsageError(f"{_quoted(module)} {message}{hint}")
        if str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        try:
            import_module(module)
        except (Exception, SystemExit) as error:  # whatever the module does wrong is its author's to know
            raise UsageError(f"cannot import {_quoted(module)}: {reason(error)}") from error
