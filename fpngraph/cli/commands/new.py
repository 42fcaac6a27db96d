"""``fpngraph new``: the file of a shipped graph, comments and all."""

from __future__ import annotations

import argparse
from typing import Any

from fpngraph.cli.options import add_output
from fpngraph.cli.output import write
from fpngraph.cli.values import UsageError
from fpngraph.errors import nearest
from fpngraph.library import named

ABOUT = "start a graph file of your own as a copy of one that comes with fpngraph"
EXAMPLE = "fpngraph new NAME -o my.yaml"


def options(parser: Any) -> None:
    """Its options."""
    parser.add_argument("graph", metavar="NAME", help="the name of a graph of 'list'")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    graphs = named()
    if args.graph not in graphs:
        raise UsageError(f"there is no graph named {args.graph!r}\n  hint: {nearest(args.graph, graphs)}")
    write(graphs[args.graph].read_text(encoding="utf-8"), args.output, force=args.force, quiet=args.quiet)
    return 0
