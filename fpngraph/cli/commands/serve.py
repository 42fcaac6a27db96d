"""``fpngraph serve``: a page in the browser that draws a graph while its file is written."""

from __future__ import annotations

import argparse
from typing import Any

from fpngraph.cli import values
from fpngraph.cli.extras import extra
from fpngraph.cli.options import add_in_channels

ABOUT = "show a graph in the browser, drawn again at every keystroke and at every save"
EXAMPLE = "fpngraph serve my.yaml"


def options(parser: Any) -> None:
    """Its options."""
    about = "a graph file, which may be new, or a folder of them (default: this folder)"
    parser.add_argument("graph", nargs="?", default=".", metavar="FILE", help=about)
    add_in_channels(parser)
    about = "the port on this machine to answer at (default: a free one)"
    parser.add_argument("--port", type=values.up_to((1 << 16) - 1), default=0, metavar="N", help=about)
    parser.add_argument("--no-browser", dest="opens", action="store_false", help="do not open the browser")


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    with extra("serve"):
        from fpngraph.cli import serving
    return serving.serve(args.graph, args.in_channels, port=args.port, opens=args.opens)
