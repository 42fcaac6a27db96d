"""The command line: what can be asked, and the border at which every user's mistake becomes a message.

Exit status: 0 all well, 1 problems in a graph or in some of several images, 2 asked wrongly or a file that cannot be
read or written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from fpngraph import arguments
from fpngraph.arguments import UsageError
from fpngraph.errors import GraphError
from fpngraph.parsers import parser

_INTERRUPTED = 130  # as shells count a process that ended by SIGINT
_PIPE_CLOSED = 141  # and by SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # whatever the terminal's encoding
        status = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to fail at exit
        return _PIPE_CLOSED
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _run(argv: Sequence[str] | None) -> int:
    args = parser().parse_args(argv)
    try:
        arguments.import_operators(args.imports)
        return int(args.run(args))
    except GraphError as error:
        print(error, file=sys.stderr)
        return 1
    except UsageError as error:
        print(f"fpngraph {args.command}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"fpngraph {args.command}: {arguments.reason(error)}", file=sys.stderr)
        return 2
