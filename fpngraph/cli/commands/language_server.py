"""``fpngraph language-server``: what an editor starts to have graph files checked while they are typed."""

from __future__ import annotations

import argparse
from typing import Any

import fpngraph
from fpngraph.cli import values
from fpngraph.cli.extras import extra

ABOUT = "answer an editor about graph files, by the language server protocol on standard input and output"
EXAMPLE = "fpngraph language-server"


def options(parser: Any) -> None:
    """Its options."""
    about = "a folder of graph files that graphs may use, besides those of their own files"
    parser.add_argument("--graphs", dest="folder", type=values.folder, metavar="FOLDER", help=about)
    about = "channels of the inputs that shapes and costs are told for (default: those of ResNet-50)"
    parser.add_argument("--in-channels", type=values.in_channels, metavar="N,N,...", help=about)
    about = "512 or HEIGHTxWIDTH in pixels that costs are told for (default: 640)"
    parser.add_argument("--image-size", type=values.image_size, default=(640, 640), metavar="SIZE", help=about)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    with extra("editor"):
        from fpngraph.editor.figures import Assumed
        from fpngraph.editor.server import server
    assumed = Assumed(args.in_channels, args.image_size)
    server(fpngraph.__version__, assumed, folder=args.folder).start_io()
    return 0
