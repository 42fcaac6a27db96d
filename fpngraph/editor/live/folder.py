"""The graph files of one folder: what they say, and how the page writes them. No name leads out of the folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fpngraph.files import replace_file
from fpngraph.language.limits import MAX_BYTES

ENDINGS = (".yaml", ".yml")
MOST = 500
"""Files that are listed."""
_DEEPEST = 4  # folders in folders that are looked into


class Refused(Exception):
    """Why a file cannot be read or written; ``status`` is the one of HTTP."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, links resolved."""

    root: Path

    def names(self) -> list[str]:
        """The graph files in it, by their paths from there."""
        return sorted(self._found())[:MOST]

    def _found(self) -> Iterator[str]:
        for place, folders, files in os.walk(self.root):  # leaves out what nobody may look at
            folder = Path(place).relative_to(self.root)
            folders[:] = [name for name in folders if name[0] not in "._" and len(folder.parts) < _DEEPEST]
            for name in files:
                if name.endswith(ENDINGS) and os.path.isfile(Path(place, name)):  # noqa: PTH113  (is_file raises there)
                    yield (folder / name).as_posix()

    def path(self, name: str) -> Path:
        """The file of a name. Raises Refused for one outside the folder, and for what is no graph file."""
        try:
            path = Path(os.path.realpath(self.root / name))
            is_other = path.exists() and not path.is_file()
        except (OSError, ValueError):  # no system call takes it
            name = ""
        if not name or "\\" in name:
            raise Refused(404, "no file can be called so")
        if not path.is_relative_to(self.root):
            raise Refused(403, f"{name!r} is outside of the folder")
        if path.suffix not in ENDINGS:
            raise Refused(403, f"{name!r} is no graph file: its name ends in {' or '.join(ENDINGS)}")
        if is_other:
            raise Refused(403, f"{name!r} is no regular file")
        return path

    def read(self, name: str) -> tuple[str, str]:
        """What a file says, and its stamp; a file that is not there yet says nothing."""
        path = self.path(name)
        try:
            stamp = self.stamp(name)
            if stamp and path.stat().st_size > MAX_BYTES:
                raise Refused(413, f"{name!r} has more than {MAX_BYTES} bytes")
            with path.open(encoding="utf-8", newline="") as file:
                return file.read(), stamp
        except FileNotFoundError:
            return "", ""
        except UnicodeDecodeError:
            raise Refused(422, f"{name!r} is not UTF-8") from None
        except OSError as error:
            raise Refused(403, f"{name!r} cannot be read: {error.strerror}") from None

    def write(self, name: str, text: str, seen: str) -> str:
        """Save a file whose stamp is ``seen``; the new stamp. Raises Refused where somebody else saved it meanwhile."""
        path = self.path(name)
        if self.stamp(name) != seen:
            raise Refused(409, f"{name!r} was changed by another program: load it again, or save it under another name")
        try:
            replace_file(path, text.encode())
        except UnicodeEncodeError:
            raise Refused(422, "half of a surrogate pair is no character") from None
        except OSError as error:
            raise Refused(403, f"{name!r} cannot be written: {error.strerror}") from None
        return self.stamp(name)

    def stamp(self, name: str) -> str:
        """What changes whenever a file is saved; empty where there is none."""
        try:
            found = self.path(name).stat()
        except (OSError, Refused):  # what is watched may have become a folder
            return ""
        return f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"
