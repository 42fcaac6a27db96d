"""The ``fpngraph`` command, and ``python -m fpngraph``: a process that ends after one command."""

from __future__ import annotations

import gc
import os
import signal
import sys

_INTERRUPTED = 130  # as shells count a process that ended by SIGINT


def run() -> int:
    """Run the command line and return the exit status."""
    gc.disable()  # a tenth of the time of a check; what it would find ends with the process
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not in the background of a shell
    try:
        if interruptible:
            signal.signal(signal.SIGINT, _leave)
        from fpngraph.cli.main import main

        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = main()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: Python would only complain while it ends
    except KeyboardInterrupt:  # between two lines
        return _INTERRUPTED
    finally:
        gc.freeze()  # or Python goes through every object while it ends, an eighth of the time of a check
    return status


def _leave(*_: object) -> None:
    """End at once: an interrupt that is raised while modules are imported may come out as any other error."""
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    sys.exit(run())
