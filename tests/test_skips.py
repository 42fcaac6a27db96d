"""The last lines of a run say how many tests were skipped, why, and what brings what they need."""

from __future__ import annotations

import shutil

import pytest

from tests.skips import told


def test_reasons_are_counted_and_one_command_brings_every_missing_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name in ("chromium", "neato") else f"/bin/{name}")

    lines = told(["no chromium", "no neato", "no chromium"])

    assert lines == [
        "   2 skipped: no chromium",
        "   1 skipped: no neato",
        "     what is missing: apt-get install -y chromium graphviz",
    ]


def test_nothing_is_said_where_nothing_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)

    assert told([]) == []


def test_no_program_is_named_where_none_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")

    assert told(["torch is too old"]) == ["   1 skipped: torch is too old"]
