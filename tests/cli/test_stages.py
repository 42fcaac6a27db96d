"""How far an export is, for whoever waits."""

from __future__ import annotations

import io
import sys
import time
from contextlib import redirect_stderr

import pytest

from fpngraph.cli import stages
from fpngraph.cli.output import quietly
from fpngraph.cli.stages import Stages


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, *, seconds: float) -> str:
    """What is said of two stages, the first of which takes some time, while standard error is kept quiet."""
    monkeypatch.setattr(sys, "stderr", stream)
    with Stages("exporting it") as stage, redirect_stderr(io.StringIO()):
        stage("tracing")
        time.sleep(seconds)
        stage("writing")
    return stream.getvalue()


def test_at_a_terminal_every_stage_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(Terminal(), monkeypatch, seconds=0) == "exporting it: tracing\nexporting it: writing\n"


def test_elsewhere_only_those_that_take_long_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "_PATIENCE_S", 0.2)

    assert told(io.StringIO(), monkeypatch, seconds=0) == ""
    assert told(io.StringIO(), monkeypatch, seconds=0.6) == "exporting it: tracing\n"


def test_with_quiet_none_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "_PATIENCE_S", 0.0)

    with quietly(quiet=True):
        assert told(Terminal(), monkeypatch, seconds=0) == ""
