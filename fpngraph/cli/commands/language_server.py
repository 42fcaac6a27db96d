"""``fpngraph language-server``: what an editor starts to have graph files checked while they are typed."""

from __future__ import annotations

import argparse
from typing import Any

import fpngraph
from fpngraph.cli import values
from fpngraph.cli.values import UsageError

ABOUT = "answer an editor about graph files, by the language server protocol on standard input and output"
EXAMPLE = "fpngraph language-server"


def options(parser: Any) -> None:
    """Its options."""
    about = "a folder of graph files that graphs may use, besides those of their own files"
    parser.add_argument("--graphs", dest="folder", type=values.folder, metavar="FOLDER", help=about)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    try:
        from fpngraph.editor.server import server
    except ModuleNotFoundError as error:
        hint = "pip install 'fpngraph[editor]'"
        raise UsageError(f"it needs {error.name!r}, which is not installed\n  hint: {hint}") from None
    server(fpngraph.__version__, folder=args.folder).start_io()
    return 0
