"""How far something is that takes a while: a line on standard error for each of its stages."""

from __future__ import annotations

import sys
from threading import Timer
from types import TracebackType

from fpngraph.cli.output import is_quiet, shows_progress

_PATIENCE_S = 5.0


class Stages:
    """Told of a stage, says so: at once at a terminal, elsewhere once the stage takes longer than some seconds.

    It says so where standard error was at the start, whoever keeps that quiet meanwhile.
    """

    def __init__(self, doing: str) -> None:
        self._doing, self._stream = doing, sys.stderr
        self._wait_s = None if is_quiet() else 0.0 if shows_progress() else _PATIENCE_S
        self._timer: Timer | None = None

    def __call__(self, stage: str) -> None:
        self._end()
        if self._wait_s == 0:
            self._say(stage)
        elif self._wait_s is not None:
            self._timer = Timer(self._wait_s, self._say, [stage])
            self._timer.daemon = True
            self._timer.start()

    def __enter__(self) -> Stages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _say(self, stage: str) -> None:
        print(f"{self._doing}: {stage}", file=self._stream, flush=True)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
