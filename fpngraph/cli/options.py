"""Options that several commands have, with one wording."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from fpngraph.cli import values

GRAPH = "a graph file, '-' for standard input, or the name of a graph of 'list'"


def add_graph(parser: Any) -> None:
    """The graph that a command is about, and its parameters."""
    parser.add_argument("graph", metavar="GRAPH", help=GRAPH)
    add_parameters(parser)


def add_parameters(parser: Any) -> None:
    """``--preset``, ``-p`` and ``--graphs``."""
    parser.add_argument("--preset", metavar="NAME", help="a preset of the graph")
    add_params(parser)
    about = "a folder of graph files that the graph may use, besides that of its own file"
    parser.add_argument("--graphs", dest="folder", type=values.folder, metavar="FOLDER", help=about)


def add_params(parser: Any) -> None:
    """``-p``, once per parameter."""
    parser.add_argument(
        "-p",
        dest="params",
        type=values.Parameters(),
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a parameter of the graph; the value is written as in YAML (may be given more than once)",
    )


def add_match(parser: Any) -> None:
    """``--match`` and ``--no-match``, for a graph in a detector."""
    about = "set the parameters of a graph file as the model has them, or keep its own (default: keep, and warn)"
    parser.add_argument("--match", action=argparse.BooleanOptionalAction, help=about)


def add_channels(parser: Any) -> None:
    """``--in-channels`` or ``--backbone``."""
    channels = parser.add_mutually_exclusive_group()
    add_in_channels(channels)
    channels.add_argument("--backbone", metavar="NAME", help="a model of timm whose feature maps are the inputs")


def add_in_channels(parser: Any) -> None:
    """``--in-channels``."""
    about = "channels of the graph's inputs in their order, such as 40,112,320"
    parser.add_argument("--in-channels", type=values.in_channels, metavar="N,N,...", help=about)


def add_image_size(parser: Any, what: str) -> None:
    """``--image-size``; ``what`` says what it is for."""
    about = f"512 or HEIGHTxWIDTH in pixels {what}"
    parser.add_argument("--image-size", type=values.image_size, metavar="SIZE", help=about)


def add_format(parser: Any) -> None:
    """``--format``, text or JSON."""
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")


def add_quiet(parser: Any) -> None:
    """``-q`` of a command that does much and says how it goes."""
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but what is wrong")


def add_output(parser: Any, about: str = "the file to write (default, and '-': print it)") -> None:
    """``-o``, ``--force`` and ``-q`` of a command that writes a file."""
    parser.add_argument("-o", "--output", metavar="FILE", help=about)
    parser.add_argument("--force", action="store_true", help="write over a file that exists")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not say what was written")


def refuse_given(options: Mapping[str, object], why: str) -> None:
    """Raises UsageError for the first of the options that has a value, where all of them would be left unread."""
    if given := next((option for option, value in options.items() if value), None):
        raise values.UsageError(f"{given} {why}")
