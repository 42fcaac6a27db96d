"""Texts that a command prints or writes."""

from __future__ import annotations

import argparse
from pathlib import Path

from fpngraph.cli.values import UsageError
from fpngraph.files import replace_file


def write(text: str, args: argparse.Namespace) -> None:
    """Print the text, or put it into the file asked for, which then has all of it or stays as it was."""
    if args.output is None:
        print(text, end="")
        return
    check_new(args)
    try:
        replace_file(args.output, text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {args.output!r}: {error.strerror}") from error
    print(f"wrote {args.output}")


def check_new(args: argparse.Namespace) -> None:
    """Raises UsageError where a file would be written over without ``--force``."""
    if Path(args.output).is_file() and not args.force:
        raise UsageError(f"{args.output!r} exists already\n  hint: add --force to write over it")
