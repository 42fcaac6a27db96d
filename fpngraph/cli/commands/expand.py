"""``fpngraph expand``: the explicit graph as YAML."""

from __future__ import annotations

import argparse
from typing import Any

from fpngraph.cli.graphs import Choice
from fpngraph.cli.options import add_graph, add_output
from fpngraph.cli.output import write

ABOUT = "print the explicit graph: parameters, ranges, indices and fallbacks worked out"
EXAMPLE = "fpngraph expand my.yaml -o explicit.yaml"


def options(parser: Any) -> None:
    """Its options."""
    add_graph(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    from fpngraph.language.explicit import dump

    graph = Choice(args.graph, args.preset, dict(args.params), folder=args.folder).load()
    write(dump(graph), args.output, force=args.force, quiet=args.quiet)
    return 0
