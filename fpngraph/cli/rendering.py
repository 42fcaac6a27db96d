"""The command that draws: a graph into a file or into the terminal, once or at every save."""

from __future__ import annotations

import gc
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from fpngraph.cli import values
from fpngraph.cli.graphs import Choice, is_asked_wrongly, is_stream
from fpngraph.cli.messages import complain, complain_of, wants_colours
from fpngraph.cli.options import refuse_given
from fpngraph.cli.output import STDOUT, check_new
from fpngraph.cli.values import UsageError, enough_memory
from fpngraph.drawing import files, watch
from fpngraph.drawing.picture.diagram import Diagram, Look, diagram
from fpngraph.drawing.picture.weights import Weights
from fpngraph.drawing.text import terminal
from fpngraph.errors import GraphError, Refusal
from fpngraph.files import check_place, replace_file
from fpngraph.graph.graph import Graph
from fpngraph.library import path_of
from fpngraph.table import terminal_width

_NAME = "render"
_BINARY = (".png", ".pdf")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is drawn, and how."""

    choice: Choice
    look: Look
    image_size: tuple[int, int] | None
    weights: str | None
    """The file of a neck's state dict."""

    def files(self) -> tuple[Path, ...]:
        """What the picture is drawn from."""
        return (*self.choice.files(), *([Path(self.weights)] if self.weights else []))

    def diagram(self) -> Diagram:
        """Anew from the files as they are now. Raises UsageError for what the channels are needed for."""
        graph = self.choice.load()
        channels = self.choice.channels(graph)
        if channels is None and self.image_size:
            raise UsageError("--image-size needs the channels of the inputs: add --in-channels or --backbone")
        if channels is None and self.weights:
            raise UsageError("--weights needs the channels of the inputs: add --in-channels or --backbone")
        try:
            weights = _weights(graph, channels, self.weights) if channels and self.weights else None
            return diagram(graph, self.look, in_channels=channels, image_size=self.image_size, weights=weights)
        except GraphError:
            raise
        except ValueError as error:  # a heading of no stage, a file that is no state of this neck, no weights in it
            raise UsageError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Target:
    """Where a picture goes."""

    output: str | None
    """A path, or '-' for standard output."""
    form: str | None
    """The format, as the ending of a file has it without its point; None: as ``output`` ends."""
    scale: float | None
    force: bool
    quiet: bool

    @property
    def path(self) -> str:
        """A path, or '-'."""
        return self.output or STDOUT

    @property
    def ending(self) -> str:
        """That of the format. Raises UsageError where nothing says one."""
        if self.form:
            return f".{self.form}"
        if self.path == STDOUT:
            raise UsageError("'-o -' says no format\n  hint: add --format svg, or leave -o out for a drawing as text")
        try:
            return files.ending_of(self.path)
        except ValueError as error:
            raise UsageError(str(error)) from error


def render(subject: Subject, target: Target, *, watching: bool) -> int:
    """A graph as a diagram; without a file and a format as text."""
    if target.output is None and not target.form:
        of_files = {"--watch": watching, "--scale": target.scale, "--width": subject.look.width}
        refuse_given(of_files | {"--rows": subject.look.rows}, "is for pictures in files: add -o FILE")
        _print(subject.diagram())
        return 0
    ending = target.ending  # what says no format is told before what stands in the way
    if target.scale is not None and ending != ".png":
        raise UsageError(f"--scale is for .png, and {target.path!r} has no pixels")
    if target.path != STDOUT:
        check_place(target.path)
        check_new(target.path, force=target.force)
    elif ending in _BINARY and sys.stdout.isatty():
        raise UsageError(f"{ending} is no text for a terminal\n  hint: add -o FILE")
    if not watching:
        _write(subject, target)
        return 0
    if target.path == STDOUT:
        raise UsageError("--watch is for pictures in files: add -o FILE")
    if is_stream(subject.choice.name):
        raise UsageError(f"--watch draws again when a file is saved, but {subject.choice.name!r} is no file")
    _watch(subject, target)
    return 0


def _weights(graph: Graph, channels: tuple[int, ...], path: str) -> Weights:
    """The fusion weights in the file of a neck's state dict."""
    from fpngraph.weights.trained import trained

    with enough_memory("the channels of the graph can be fewer"):
        return files.learned_weights(trained(graph, channels, path))


def _print(drawn: Diagram) -> None:
    """As text within the width of a terminal, coloured where there is one that wants colours."""
    text = terminal.write(drawn, width=terminal_width(), colour=wants_colours(sys.stdout))
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = terminal.plain(text)
    print(text, end="")


def _write(subject: Subject, target: Target) -> None:
    drawn = subject.diagram()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            content = files.WRITERS[target.ending](drawn, target.scale or 2.0)
        except ValueError as error:  # too large for the format
            raise UsageError(str(error)) from error
    for warning in caught:
        complain(f"warning: {warning.message}", _NAME)
    if target.path == STDOUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    replace_file(target.path, content)
    if not target.quiet:
        print(f"wrote {target.path}", flush=True)


def _watch(subject: Subject, target: Target) -> None:
    """Draw at every save, for ever; what is wrong with the graph stands in the picture's place meanwhile."""
    gc.enable()  # see __main__: this command does not end
    name = path_of(subject.choice.name).name
    started = False
    for _ in watch.saves(subject.files):
        try:
            _write(subject, target)
        except GraphError as error:
            if not started and is_asked_wrongly(error):
                raise
            watch.show_problems(target.path, target.ending, name, str(error), subject.look.theme)
            complain_of(error, _NAME)
        except Refusal as error:
            if not started:
                raise
            complain(str(error), _NAME)
        except OSError as error:
            complain(values.with_hint(error), _NAME)
        started = True
