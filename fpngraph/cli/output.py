"""Texts that a command prints or writes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from io import TextIOWrapper
from pathlib import Path

from fpngraph.cli.values import UsageError
from fpngraph.files import did_you_mean, replace_file

STDOUT = "-"
"""In place of a file: standard output."""

_QUIET = ContextVar("quiet", default=False)


@contextmanager
def quietly(*, quiet: bool) -> Iterator[None]:
    """With ``quiet``, nothing is printed meanwhile, and nothing shows progress; what is wrong is told all the same."""
    if not quiet:
        yield
        return
    before = _QUIET.set(True)
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        _QUIET.reset(before)


def is_quiet() -> bool:
    """Whether somebody wants to hear only what is wrong."""
    return _QUIET.get()


def shows_progress() -> bool:
    """Whether somebody watches: at a terminal, and not asked to be left in quiet."""
    return sys.stderr.isatty() and not is_quiet()


def write(text: str, output: str | None, *, force: bool, quiet: bool) -> None:
    """Print the text, or put it into the file asked for, which then has all of it or stays as it was."""
    if output in (None, STDOUT):
        if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
            sys.stdout.reconfigure(encoding="utf-8")  # as files are, whatever the locale
        print(text, end="")
        return
    check_new(output, force=force)
    try:
        replace_file(output, text.encode())
    except OSError as error:
        hint = did_you_mean(Path(output).parent)
        raise UsageError(
            f"cannot write {output!r}: {error.strerror}" + (f"\n  hint: {hint}" if hint else "")
        ) from error
    if not quiet:
        print(f"wrote {output}")


def check_new(output: str, *, force: bool) -> None:
    """Raises UsageError where a file would be written over without ``force``."""
    if Path(output).is_file() and not force:
        raise UsageError(f"{output!r} exists already\n  hint: add --force to write over it")
