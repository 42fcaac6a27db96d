"""Texts that a command prints or writes."""

from __future__ import annotations

from pathlib import Path

from fpngraph.cli.values import UsageError
from fpngraph.files import did_you_mean, replace_file

STDOUT = "-"
"""In place of a file: standard output."""


def write(text: str, output: str | None, *, force: bool, quiet: bool) -> None:
    """Print the text, or put it into the file asked for, which then has all of it or stays as it was."""
    if output in (None, STDOUT):
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
