"""The command that draws: a graph into a file or into the terminal, once or at every save."""

from __future__ import annotations

import gc
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from fpngraph.cli import values
from fpngraph.cli.graphs import Choice, is_asked_wrongly
from fpngraph.cli.messages import complain, complain_of, wants_colours
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

_NAME = "render"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is drawn, and how."""

    choice: Choice
    look: Look
    image_size: tuple[int, int] | None
    weights: str | None
    """The file of a neck's state dict."""

    def diagram(self) -> Diagram:
        """Anew from the files as they are now. Raises UsageError for what the channels are needed for."""
        graph = self.choice.load()
        channels = self.choice.channels(graph)
        if channels is None and self.image_size:
            raise UsageError("--image-size needs the channels of the inputs: add --in-channels or --backbone")
        if channels is None and self.weights:
            raise UsageError("--weights needs the channels of the inputs: add --in-channels or --backbone")
        weights = _weights(graph, channels, self.weights) if channels and self.weights else None
        return diagram(graph, self.look, in_channels=channels, image_size=self.image_size, weights=weights)


def render(subject: Subject, output: str | None, *, scale: float | None, watching: bool) -> int:
    """A graph as a diagram."""
    if output is None:
        if watching or scale is not None:
            raise UsageError(f"{'--watch' if watching else '--scale'} is for pictures in files: add -o FILE")
        _print(subject.diagram())
        return 0
    try:
        files.writer_for(output)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if scale is not None and Path(output).suffix.lower() != ".png":
        raise UsageError(f"--scale is for .png, and {output!r} has no pixels")
    check_place(output)
    (_watch if watching else _write)(subject, output, scale or 2.0)
    return 0


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
    text = terminal.write(drawn, width=terminal_width(), colour=wants_colours(sys.stdout))
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = terminal.plain(text)
    print(text, end="")


def _write(subject: Subject, output: str, scale: float) -> None:
    drawn = subject.diagram()
    writer = files.writer_for(output)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            content = writer(drawn, scale)
        except (ValueError, MissingExtra) as error:  # too large for the format, or its package is not there
            raise UsageError(str(error)) from error
    for warning in caught:
        complain(f"warning: {warning.message}", _NAME)
    replace_file(output, content)
    print(f"wrote {output}", flush=True)


def _watch(subject: Subject, output: str, scale: float) -> None:
    """Draw at every save, for ever; what is wrong with the graph stands in the picture's place meanwhile."""
    gc.enable()  # see __main__: this command does not end
    path = path_of(subject.choice.name)
    started = False
    for _ in watch.saves(path):
        try:
            _write(subject, output, scale)
        except GraphError as error:
            if not started and is_asked_wrongly(error):
                raise
            watch.show_problems(output, path.name, str(error), subject.look.theme)
            complain_of(error, _NAME)
        except UsageError as error:
            if not started:
                raise
            complain(str(error), _NAME)
        except OSError as error:
            complain(values.reason(error), _NAME)
        started = True
