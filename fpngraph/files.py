"""Files: those that may be meant by a name that none has, and those that are written whole or stay as they were."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from fpngraph.errors import likely

_KEPT = 40  # characters of a name in that of a file on its way, which can have only as many bytes as any


def near(path: str | os.PathLike[str]) -> str | None:
    """A path that exists and is ``path`` but for a slip in its last name, or in the folder before that."""
    path = Path(path)
    with suppress(OSError):  # of what cannot be looked at
        if path.parent.is_dir():
            there = (it for it in path.parent.iterdir() if likely(path.suffix, [it.suffix]) is not None)
            # of two with one stem the last is kept, which has the same ending
            by_stem = {it.stem: it for it in sorted(there, key=lambda it: (it.suffix == path.suffix, it.name))}
            meant = likely(path.stem, by_stem)
            return None if meant is None else str(by_stem[meant])
        if (folder := near(path.parent)) and Path(folder, path.name).exists():
            return str(Path(folder, path.name))
    return None


def did_you_mean(path: str | os.PathLike[str]) -> str | None:
    """A hint for a path that leads nowhere; None where it leads somewhere, or nothing is near it."""
    meant = None if os.path.lexists(path) else near(path)
    return None if meant is None else f"did you mean {meant!r}?"


def check_place(path: str | os.PathLike[str]) -> Path:
    """Where the bytes for ``path`` go, links followed. Raises OSError where no file can be written."""
    place = Path(os.path.realpath(path))
    named = os.fspath(path)
    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), named)
    if not place.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(Path(named).parent))
    if place.exists() and not place.is_file():
        raise OSError(errno.EINVAL, "is no regular file", named)
    if not os.access(place if place.exists() else place.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), named)
    return place


def replace_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Put ``content`` into a file in one step: who reads it sees all of the old or all of the new."""
    place = check_place(path)
    part = place.with_name(f".{place.name[:_KEPT]}.{os.urandom(4).hex()}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
        if place.exists():
            shutil.copymode(place, part)
        part.replace(place)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        part.unlink(missing_ok=True)
