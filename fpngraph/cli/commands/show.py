"""``fpngraph show``: a graph as a table."""

from __future__ import annotations

import argparse
import json
from typing import Any

from fpngraph.cli.graphs import Choice
from fpngraph.cli.options import add_channels, add_format, add_graph, add_image_size
from fpngraph.cli.values import UsageError

ABOUT = "show a graph as a table, with its costs once the channels of its inputs are known"
EXAMPLE = "fpngraph show my.yaml --in-channels 40,112,320 -p channels=88"


def options(parser: Any) -> None:
    """Its options."""
    add_graph(parser)
    parser.add_argument("--expand", action="store_true", help="show every run of a stage that repeats")
    add_channels(parser)
    add_image_size(parser, "(default: 512)")
    add_format(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    from fpngraph.analysis import report

    choice = Choice(args.graph, args.preset, dict(args.params), args.backbone, args.in_channels, args.folder)
    graph = choice.load()
    channels = choice.channels(graph)
    if channels is None and args.image_size:
        raise UsageError("--image-size needs the channels of the inputs: add --in-channels or --backbone")
    found = report.report(graph, channels, args.image_size or (512, 512))
    if args.format == "json":
        print(json.dumps(found, indent=2))
    else:
        report.print_report(found, expand=args.expand)
    return 0
