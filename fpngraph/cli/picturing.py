"""The picture of what changed from one graph to another, in a file."""

from __future__ import annotations

import warnings

from fpngraph.analysis.changes import Changes
from fpngraph.cli.messages import complain
from fpngraph.cli.output import check_new
from fpngraph.cli.values import UsageError
from fpngraph.drawing.files import SCENE_WRITERS, ending_of
from fpngraph.drawing.picture.changed import draw_changes
from fpngraph.files import check_place, replace_file


def check_picture(output: str, *, force: bool) -> None:
    """Raises UsageError, or OSError, where no picture can be written to a file."""
    try:
        ending_of(output, SCENE_WRITERS, "format of a picture of changes")
    except ValueError as error:
        raise UsageError(str(error)) from error
    check_place(output)
    check_new(output, force=force)


def write(changes: Changes, output: str) -> None:
    """Put the picture into a file that ``check_picture`` found good. Raises UsageError where there can be none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            content = SCENE_WRITERS[ending_of(output)](draw_changes(changes), 2.0)
        except ValueError as error:  # a cycle, or too large for the format
            raise UsageError(str(error)) from error
    for warning in caught:
        complain(f"warning: {warning.message}", "diff")
    replace_file(output, content)
