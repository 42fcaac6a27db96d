"""The command line: what can be asked, and the border at which every user's mistake becomes a message.

Exit status: 0 all well, 1 problems in a graph or in some of several images, 2 asked wrongly (a preset, a parameter or
channels that the graph does not have, too) or a file that cannot be read or written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from fpngraph.cli import values
from fpngraph.cli.graphs import is_asked_wrongly
from fpngraph.cli.messages import complain, complain_of
from fpngraph.cli.parser import parser
from fpngraph.errors import GraphError, Refusal

_INTERRUPTED = 130  # as shells count a process that ended by SIGINT
_PIPE_CLOSED = 141  # and by SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    try:
        _open_streams()
        status = _run(argv)
    except BrokenPipeError:
        _leave_stdout()
        return _PIPE_CLOSED
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _open_streams() -> None:
    """Have streams that take any text, whatever the terminal's encoding, and where somebody has closed them too."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (to the end)
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper):  # what a notebook or a test has put there takes any text
            stream.reconfigure(errors="backslashreplace")


def _leave_stdout() -> None:
    """What is still to be written goes nowhere, so that nothing is left to fail at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(argv: Sequence[str] | None) -> int:
    root = parser()
    if "_ARGCOMPLETE" in os.environ:  # it is a shell that asks, see the command 'completion'
        from fpngraph.cli.completing import complete

        complete(root, root.commands())
    args = root.parse_args(argv)
    if args.command is None:
        root.print_help(sys.stderr)
        return 2
    try:
        values.import_operators(args.imports)
        status = int(args.run(args))
        sys.stdout.flush()
    except GraphError as error:
        complain_of(error, args.command)
        return 2 if is_asked_wrongly(error) else 1
    except Refusal as error:
        complain(str(error), args.command)
        return 2
    except BrokenPipeError:
        raise
    except OSError as error:
        complain(values.with_hint(error), args.command)
        try:
            sys.stdout.flush()
        except OSError:  # it is standard output that cannot be written
            _leave_stdout()
        return 2
    return status
