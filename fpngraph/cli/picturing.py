"""The picture of what changed from one graph to another, in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from fpngraph.analysis.changes import Changes
from fpngraph.cli.output import check_new
from fpngraph.cli.values import UsageError
from fpngraph.drawing.formats import html, pdf, png, svg
from fpngraph.drawing.picture.changed import draw_changes
from fpngraph.drawing.picture.diagram import Look
from fpngraph.drawing.picture.scene import Scene
from fpngraph.errors import nearest
from fpngraph.files import check_place, replace_file

_WRITERS: Mapping[str, Callable[[Scene], bytes]] = {
    ".svg": lambda scene: svg.write(scene).encode(),
    ".png": lambda scene: png.write(scene, scale=2.0),
    ".pdf": pdf.write,
    ".html": lambda scene: html.write(scene).encode(),
}


def check_picture(output: str, *, force: bool) -> None:
    """Raises UsageError, or OSError, where no picture can be written to a file."""
    ending = Path(output).suffix.lower()
    if ending not in _WRITERS:
        found = f"the ending {ending!r}" if ending else "no ending"
        hint = nearest(ending, _WRITERS)
        raise UsageError(f"{output!r} has {found}, which says no format of a picture of changes\n  hint: {hint}")
    check_place(output)
    check_new(output, force=force)


def write(changes: Changes, output: str) -> None:
    """Put the picture into a file that ``check_picture`` found good. Raises UsageError where there can be none."""
    try:
        content = _WRITERS[Path(output).suffix.lower()](draw_changes(changes, Look()))
    except ValueError as error:  # a cycle, or too large for the format
        raise UsageError(str(error)) from error
    replace_file(output, content)
