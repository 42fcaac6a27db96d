"""The ``fpngraph`` command, and ``python -m fpngraph``: a process that ends after one command."""

from __future__ import annotations

import gc
import signal
import sys

_INTERRUPTED = 130  # as shells count a process that ended by SIGINT


def run() -> int:
    """Run the command line and return the exit status."""
    gc.disable()  # a tenth of the time of a check; what it would find ends with the process
    try:
        from fpngraph.cli import main

        status = main()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: Python would only complain while it ends
    except KeyboardInterrupt:  # while the imports ran, or between two lines
        return _INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(run())
