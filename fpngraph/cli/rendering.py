"""The command that draws: a graph into a file or into the terminal, once or at every save."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import warnings
from pathlib import Path

from fpngraph.cli import values
from fpngraph.cli.graphs import known_channels, loaded
from fpngraph.cli.values import UsageError, enough_memory
from fpngraph.drawing import files, watch
from fpngraph.drawing.formats.extras import MissingExtra
from fpngraph.drawing.picture.diagram import Diagram, Look, diagram
from fpngraph.drawing.picture.weights import Weights
from fpngraph.drawing.text import terminal
from fpngraph.errors import GraphError
from fpngraph.files import check_place, replace_file
from fpngraph.graph.graph import Graph
from fpngraph.library import path_of
from fpngraph.table import terminal_width


def render(args: argparse.Namespace) -> int:
    """A graph as a diagram."""
    if args.output is None:
        if args.watch or args.scale is not None:
            raise UsageError(f"{'--watch' if args.watch else '--scale'} is for pictures in files: add -o FILE")
        _print(_diagram(args))
        return 0
    try:
        files.writer_for(args.output)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if args.scale is not None and Path(args.output).suffix.lower() != ".png":
        raise UsageError(f"--scale is for .png, and {args.output!r} has no pixels")
    check_place(args.output)
    if args.watch:
        _watch(args)
    else:
        _write(args)
    return 0


def _diagram(args: argparse.Namespace) -> Diagram:
    graph = loaded(args)
    channels = known_channels(graph, args)
    if channels is None and args.image_size:
        raise UsageError("--image-size needs the channels of the inputs: add --in-channels or --backbone")
    if channels is None and args.weights:
        raise UsageError("--weights needs the channels of the inputs: add --in-channels or --backbone")
    look = Look(args.theme, args.labels, args.title, args.legend, args.expand, args.direction)
    weights = _weights(graph, channels, args.weights) if channels and args.weights else None
    return diagram(graph, look, in_channels=channels, image_size=args.image_size, weights=weights)


def _weights(graph: Graph, channels: tuple[int, ...], path: str) -> Weights:
    """The fusion weights in the file of a neck's state dict."""
    from fpngraph.weights.trained import trained

    try:
        with enough_memory("the channels of the graph can be fewer"):
            return files.learned_weights(trained(graph, channels, path))
    except GraphError:
        raise
    except ValueError as error:  # the file is no state of this neck, or nothing in the neck has weights
        raise UsageError(str(error)) from error


def _print(drawn: Diagram) -> None:
    """As text within the width of a terminal, coloured where there is one that wants colours."""
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    text = terminal.write(drawn, width=terminal_width(), colour=colour)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = terminal.plain(text)
    print(text, end="")


def _write(args: argparse.Namespace) -> None:
    drawn = _diagram(args)
    writer = files.writer_for(args.output)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            content = writer(drawn, args.scale or 2.0)
        except (ValueError, MissingExtra) as error:  # too large for the format, or its package is not there
            raise UsageError(str(error)) from error
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)
    replace_file(args.output, content)
    print(f"wrote {args.output}", flush=True)


def _watch(args: argparse.Namespace) -> None:
    """Draw at every save, for ever; what is wrong with the graph stands in the picture's place meanwhile."""
    gc.enable()  # see __main__: this command does not end
    path = path_of(args.graph)
    started = False
    for _ in watch.saves(path):
        try:
            _write(args)
        except GraphError as error:
            watch.show_problems(args.output, path.name, str(error), args.theme)
            _complain(str(error))
        except UsageError as error:
            if not started:
                raise
            _complain(str(error))
        except OSError as error:
            _complain(values.reason(error))
        started = True


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
