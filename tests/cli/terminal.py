"""A program in a terminal of its own, at which a test types."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

_LONGEST_S = 20
_STYLE = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[=>]|\(B)")
_ANSWERS = {b"\x1b[c": b"\x1b[?62c", b"\x1b[0c": b"\x1b[?62c", b"\x1b[6n": b"\x1b[1;1R"}
"""What a terminal says when it is asked what it is, and where its cursor is."""


class Terminal:
    """What a program shows, and the keys that it gets."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._process, self._file = pty.fork()
        if self._process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        self._shown = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.close(self._file)
        os.waitpid(self._process, 0)

    def type(self, keys: str) -> None:
        """Press keys; what was shown before is forgotten."""
        self._shown = ""
        os.write(self._file, keys.encode())

    def wait(self, text: str) -> None:
        """Read until a text is shown."""
        end = time.monotonic() + _LONGEST_S
        while text not in _STYLE.sub("", self._shown):
            assert time.monotonic() < end, f"{text!r} does not come; there is: {self._shown!r}"
            if select.select([self._file], [], [], 0.1)[0]:
                piece = os.read(self._file, 65536)
                for question, answer in _ANSWERS.items():
                    if question in piece:
                        os.write(self._file, answer)
                self._shown += piece.decode(errors="replace")
