"""Reads graph files: YAML text to values with places. Every way in which that fails is a GraphError."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import yaml

from fpngraph.errors import GraphError, Problem
from fpngraph.files import did_you_mean
from fpngraph.language.limits import MAX_BYTES
from fpngraph.language.yaml.composer import Composer, Source
from fpngraph.language.yaml.events import events
from fpngraph.language.yaml.syntax import syntax_problem
from fpngraph.language.yaml.value import Value

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# U+0085, U+2028 and U+2029 end a line to some programs and not to others, so nobody could say what is on which line.
_FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def read(text: str, file: str, used_by: str | None = None) -> Value:
    """The mapping that a graph file says. Raises GraphError with all problems.

    ``file`` is what errors call it, ``used_by`` which stage uses it, if one does.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_BYTES:
        raise _too_large(file, len(text))
    source = Source(text, file, used_by)
    _check_characters(text, source)
    parser = _LOADER(text)
    composer = Composer(events(parser, text, source), source)
    try:
        value = composer.compose()
    except yaml.YAMLError as error:
        raise GraphError([*composer.problems, syntax_problem(error, source)]) from None
    except GraphError as error:
        raise GraphError([*composer.problems, *error.problems]) from None
    finally:
        parser.dispose()
    if composer.problems:
        raise GraphError(sorted(composer.problems, key=lambda problem: problem.place))
    return value


def read_file(path: Path, file: str | None = None, used_by: str | None = None) -> Value:
    """The mapping that the graph file at ``path`` says. Raises GraphError, also where there is no such file.

    ``file`` is what errors call it, by default its path, and ``used_by`` which stage uses it.
    """
    file = str(path) if file is None else file
    try:
        data = _bytes(path, file)
    except GraphError:  # which is a ValueError too
        raise
    except OSError as error:
        message = f"cannot read {file!r}: {error.strerror or error}"
        raise GraphError([Problem("unreadable-file", message, None, did_you_mean(file))]) from None
    except ValueError:  # a path that no system call takes
        raise GraphError([Problem("unreadable-file", f"cannot read {file!r}: no file can be called so")]) from None
    return read_data(data, file, used_by)


def read_data(data: bytes, file: str, used_by: str | None = None) -> Value:
    """The mapping that the bytes of a graph file say; otherwise as ``read``."""
    if len(data) > MAX_BYTES:
        raise _too_large(file, len(data))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = Source(data[: error.start].decode("utf-8").removeprefix("\ufeff"), file, used_by)
        raise GraphError([_undecodable(data[error.start], error, before)]) from None
    return read(text, file, used_by)


def _bytes(path: Path, name: str) -> bytes:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise OSError("it is a directory")
    if not stat.S_ISREG(status.st_mode):  # a FIFO would wait for its writer
        raise OSError("it is not a regular file")
    if status.st_size > MAX_BYTES:
        raise _too_large(name, status.st_size)
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)  # it may grow, or be one of those that say a size of 0


def _too_large(file: str, size: int) -> GraphError:
    message = f"cannot read {file!r}: it has {size} bytes, a graph file has at most {MAX_BYTES}"
    return GraphError([Problem("limit-exceeded", message)])


def _undecodable(byte: int, error: UnicodeDecodeError, before: Source) -> Problem:
    line = before.lines[-1]
    span = before.place(len(before.lines), len(line) + 1, len(line) + 2, line + "\ufffd")
    message = f"not UTF-8: the byte 0x{byte:02x} ({error.reason})"
    return Problem("not-utf8", message, span, "save the file as UTF-8")


def _check_characters(text: str, source: Source) -> None:
    found = _FORBIDDEN.search(text)
    if not found:
        return
    before = Source(text[: found.start()], source.file).lines
    shown = _FORBIDDEN.sub("\ufffd", source.lines[len(before) - 1])
    span = source.place(len(before), len(before[-1]) + 1, len(before[-1]) + 2, shown)
    where, hint = "YAML", None
    if found[0] == "\ufeff":
        hint = "it is a byte order mark, which cannot be seen: delete it"
    elif found[0] in "\x85\u2028\u2029":
        where, hint = (
            "a graph file",
            f"it ends a line to some programs only; in double quotes write '\\u{ord(found[0]):04x}'",
        )
    message = f"the character U+{ord(found[0]):04X} is not allowed in {where}"
    raise GraphError([Problem("forbidden-character", message, span, hint)])
