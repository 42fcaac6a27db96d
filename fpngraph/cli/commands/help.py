"""``fpngraph help``: all commands, or one with its options and an example."""

from __future__ import annotations

import argparse
from typing import Any

ABOUT = "tell of all commands, or of one: its options and an example"
EXAMPLE = "fpngraph help render"


def options(parser: Any) -> None:
    """Its options."""
    parser.add_argument("name", nargs="?", metavar="COMMAND", help="a command (default: list all of them)")


def run(args: argparse.Namespace) -> int:
    """The exit status; argparse ends the process behind the help."""
    from fpngraph.cli.parser import parser

    parser().parse_args([*([args.name] if args.name else []), "--help"])
    return 0
