"""The commands on the page about checking and comparing run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fpngraph

ROOT = Path(fpngraph.__file__).parent.parent
PAGE = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)
GRAPH = """\
fpngraph: 1
name: mine
params: {repeats: 1, channels: 64}
presets: {small: {channels: 32}}
inputs: P(3..5)
defaults: {channels: $channels}
stages:
  mix:
    repeat: $repeats
    nodes: {a(3..5): {inputs: [P(l), a(l+1) | none]}}
    outputs: {P(3..5): a(l)}
outputs: P(3..5)
"""


@pytest.fixture
def _files(workshop: Path) -> None:
    Path("graphs").mkdir()
    for name in ("my.yaml", "other.yaml", "graphs/one.yaml"):
        Path(name).write_text(GRAPH, encoding="utf-8")
    Path("bin").mkdir()
    Path("bin/fpngraph").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fpngraph "$@"\n', encoding="utf-8")
    Path("bin/fpngraph").chmod(0o755)
    identity = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    for command in (["init", "-q"], ["add", "my.yaml"], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], check=True)


@pytest.mark.usefixtures("_files")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_runs(command: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{Path('bin').resolve()}:{os.environ['PATH']}"}

    found = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], env=environment, capture_output=True, text=True, check=False
    )

    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stderr == ""


def test_there_are_commands_of_both() -> None:
    assert {command.split("fpngraph ")[1].split()[0] for command in COMMANDS} == {"check", "diff"}
