"""``fpngraph diff``: what changed from one graph to another."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from fpngraph.cli import values
from fpngraph.cli.graphs import Choice, is_stream
from fpngraph.cli.options import add_channels, add_image_size, add_output, add_params
from fpngraph.cli.values import UsageError

ABOUT = "compare two graphs: nodes, edges, parameters and MACs that are new, gone or changed"
EXAMPLE = "fpngraph diff my.yaml@small my.yaml --in-channels 40,112,320 -o diff.svg"


def options(parser: Any) -> None:
    """Its options."""
    about = "a graph file, '-', or the name of a graph; GRAPH@PRESET and GRAPH@NAME=VALUE,... choose parameters of it"
    parser.add_argument("before", type=values.chosen, metavar="BEFORE", help=about)
    parser.add_argument("after", type=values.chosen, metavar="AFTER", help="the same")
    add_params(parser)
    about = "a folder of graph files that the graphs may use, besides those of their own files"
    parser.add_argument("--graphs", dest="folder", type=values.folder, metavar="FOLDER", help=about)
    add_channels(parser)
    add_image_size(parser, "(default: 512)")
    about = "a picture to write too (.svg, .png, .pdf or .html), with what is new, gone and changed marked"
    add_output(parser, about)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of what is printed (default: text)")


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    from fpngraph.analysis.costs import cost
    from fpngraph.cli import picturing
    from fpngraph.cli.differing import compared, print_json, print_text

    if args.before[0] == args.after[0] and is_stream(args.before[0]):
        raise UsageError("standard input can be read once\n  hint: write it to a file, and name that")
    if args.output:
        picturing.check_picture(args.output, force=args.force)
    one, other = (
        Choice(name, preset, {**dict(args.params), **params}, args.backbone, args.in_channels, args.folder)
        for name, preset, params in (args.before, args.after)
    )
    graphs = one.load(), other.load()
    channels = one.channels(graphs[0]), other.channels(graphs[1])
    if args.image_size and None in channels:
        raise UsageError("--image-size needs the channels of the inputs: add --in-channels or --backbone")
    size = args.image_size or (512, 512)
    costs = None
    if channels[0] is not None and channels[1] is not None:
        costs = cost(graphs[0], channels[0], size), cost(graphs[1], channels[1], size)
    found = compared(one, other, graphs, costs)
    (print_json if args.format == "json" else print_text)(found)
    if args.output:
        picturing.write(found.changes, args.output)
        if not args.quiet:
            print(f"wrote {args.output}", file=sys.stderr if args.format == "json" else sys.stdout)
    return 0
