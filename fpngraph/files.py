"""Files that are written whole or stay as they were."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path


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
    part = place.with_name(f".{place.name}.{os.urandom(4).hex()}.part")
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
