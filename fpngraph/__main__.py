"""The ``fpngraph`` command, and ``python -m fpngraph``: a process that ends after one command."""

from __future__ import annotations

import gc
import sys


def run() -> int:
    """Run the command line and return the exit status."""
    gc.disable()  # a tenth of the time of a check; what it would find ends with the process
    from fpngraph.cli.main import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
