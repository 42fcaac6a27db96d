"""``fpngraph list``: the graphs that have names, and all of one: its parameters, its presets and what they cost."""

from __future__ import annotations

import argparse
from typing import Any

from fpngraph.cli.options import add_channels, add_format, add_image_size
from fpngraph.cli.values import UsageError

ABOUT = "list the graphs that come with fpngraph and those of installed packages, or tell all of one"
EXAMPLE = "fpngraph list my.yaml --in-channels 40,112,320"


def options(parser: Any) -> None:
    """Its options."""
    about = "a graph to tell all of: its name, a graph file, or a folder of them (default: list all that have names)"
    parser.add_argument("graphs", nargs="*", metavar="GRAPH", help=about)
    parser.add_argument("--detectors", action="store_true", help="list the detectors that 'train' and 'detect' know")
    add_channels(parser)
    add_image_size(parser, "for the costs of presets (default: 512)")
    add_format(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    from fpngraph.cli import listing

    if args.detectors and args.graphs:
        raise UsageError("--detectors is a list of its own: leave out the graphs")
    if not args.graphs:
        if args.in_channels or args.backbone or args.image_size:
            raise UsageError("costs are told of single graphs: name them")
        return (listing.detectors if args.detectors else listing.named_graphs)(args.format)
    maps = listing.Maps(args.backbone, args.in_channels, args.image_size or (512, 512))
    return listing.pages(args.graphs, maps, args.format)
