"""``fpngraph render``: a graph as a diagram."""

from __future__ import annotations

import argparse
from typing import Any

from fpngraph.cli import values
from fpngraph.cli.graphs import Choice
from fpngraph.cli.options import add_channels, add_graph, add_image_size, add_output

ABOUT = "draw a graph, into a file or, without -o, into the terminal"
EXAMPLE = "fpngraph render my.yaml -o my.svg --watch"
_ENDINGS = ".svg, .png, .pdf, .html, .mmd or .dot"
_FORMATS = ("svg", "png", "pdf", "html", "mmd", "dot")
_THEMES = ("auto", "light", "dark", "grey", "print")


def options(parser: Any) -> None:
    """Its options."""
    add_graph(parser)
    add_output(parser, f"the picture to write, which ends in {_ENDINGS}; '-' prints it")
    parser.add_argument("--format", choices=_FORMATS, help="(default: as the ending of -o says)")
    parser.add_argument("--theme", choices=_THEMES, default="auto", help="colours; auto: as the reader's (default)")
    parser.add_argument("--width", type=values.width, metavar="LENGTH", help="of an .svg, .png or .pdf on paper: 3.4in")
    about_rows = "rows below each other, in which cells go on (default: 1, or as many as --width asks for)"
    parser.add_argument("--rows", type=values.count, metavar="N", help=about_rows)
    parser.add_argument("--scale", type=values.scale, metavar="N", help="pixels of a .png per pixel (default: 2)")
    about_labels = "in the nodes: names (default), numbers as effdet counts, or nothing; ops: names, and what all does"
    parser.add_argument("--node-labels", choices=("names", "ids", "none", "ops"), default="names", help=about_labels)
    _add_words(parser)
    runs = parser.add_mutually_exclusive_group()
    runs.add_argument("--expand", action="store_true", default=None, help="draw every run of a stage that repeats")
    runs.add_argument("--collapse", dest="expand", action="store_false", help="draw equal runs of a stage once")
    about_direction = "where sweeps go in a picture: to the right (default), or up, with levels as columns"
    parser.add_argument("--direction", choices=("right", "up"), default="right", help=about_direction)
    add_channels(parser)
    add_image_size(parser, "for sizes and costs")
    about_weights = (
        "the state dict of a trained neck, or a checkpoint of 'train', for edges as wide as their learned weights"
    )
    parser.add_argument("--weights", metavar="FILE", help=about_weights)
    parser.add_argument("--watch", action="store_true", help="draw again at every save, until Ctrl-C")


def _add_words(parser: Any) -> None:
    """What stands around the nodes."""
    title = parser.add_mutually_exclusive_group()
    title.add_argument("--title", metavar="TEXT", default=True, help="(default: the name of the graph)")
    title.add_argument("--no-title", dest="title", action="store_false", help="leave out the title")
    about_cell = "the heading of a stage in place of its name (may be given more than once)"
    parser.add_argument(
        "--cell", type=values.heading, action="append", default=[], metavar="STAGE=TEXT", help=about_cell
    )
    legend = parser.add_mutually_exclusive_group()
    legend.add_argument("--legend", choices=("below", "beside", "none"), default="below", help="(default: below)")
    legend.add_argument("--no-legend", dest="legend", action="store_const", const="none", help="leave out the legend")


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    from fpngraph.cli import rendering
    from fpngraph.drawing.picture.diagram import Look

    choice = Choice(args.graph, args.preset, dict(args.params), args.backbone, args.in_channels, args.folder)
    look = Look(
        *(args.theme, args.node_labels, args.title, args.legend, args.expand, args.direction, args.width),
        cells=dict(args.cell),
        rows=args.rows,
    )
    subject = rendering.Subject(choice, look, args.image_size, args.weights)
    target = rendering.Target(args.output, args.format, args.scale, args.force, args.quiet)
    return rendering.render(subject, target, watching=args.watch)
