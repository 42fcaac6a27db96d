"""Ctrl-C ends the command line quietly, whatever it is doing, the imports at its start included."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fpngraph

SITE = """\
import os, signal, sys


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "fpngraph.cli.main":
            os.write(1, b"started\\n")
        if name == os.environ["INTERRUPT_AT"]:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)


sys.meta_path.insert(0, Finder())
"""
OWN = """\
import fpngraph


@fpngraph.register
class Same(fpngraph.Layer):
    name = "same_for_interrupts"

    def build(self, inputs, site):
        from torch import nn

        return nn.Identity()
"""
GRAPH = """\
fpngraph: 1
name: small
inputs: C(3..4)
nodes:
  P(3..4): {inputs: [C(l)], op: [same_for_interrupts]}
outputs: P(3..4)
"""
BY_SIGNAL = -signal.SIGINT
"""What Python does at its end where the interrupt came while text was executed; a shell says 130 too."""


def started(workshop: Path, *arguments: str, interrupt_at: str = "") -> subprocess.Popen[str]:
    """A process of the command line that interrupts itself at the import of a module."""
    Path("sitecustomize.py").write_text(SITE)
    paths = os.pathsep.join([str(workshop), str(Path(fpngraph.__file__).parent.parent)])
    return subprocess.Popen(
        [sys.executable, "-m", "fpngraph", *arguments],
        env=os.environ | {"PYTHONPATH": paths, "INTERRUPT_AT": interrupt_at},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "module",
    [
        "fpngraph.cli.main",
        "argparse",
        "pydantic",
        "yaml",
        "unicodedata",
        "fpngraph.analysis.report",
        "own",
        "torch",
    ],
)
def test_an_interrupt_at_an_import_is_no_error(module: str, workshop: Path) -> None:
    Path("own.py").write_text(OWN)
    Path("own.yaml").write_text(GRAPH)
    command = ("show", "own.yaml", "--import", "own", "--in-channels", "4,4")

    with started(workshop, *command, interrupt_at=module) as running:
        printed, errors = running.communicate(timeout=60)

    assert (printed.removeprefix("started\n"), errors) == ("", "")
    assert running.returncode in (130, BY_SIGNAL)


@pytest.mark.parametrize("delay", [0, 0.03, 0.1, 0.2, 0.3, 0.5])
def test_an_interrupt_at_any_time_leaves_no_traceback(delay: float, workshop: Path) -> None:
    with started(workshop, "show", "bifpn") as running:
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(delay)
        running.send_signal(signal.SIGINT)
        printed, errors = running.communicate(timeout=60)

    assert errors == ""
    assert running.returncode in (130, BY_SIGNAL) or (running.returncode == 0 and "outputs: P3 =" in printed)


def test_no_interrupt_while_our_code_is_compiled_becomes_a_syntax_error() -> None:
    """Python imports ``unicodedata`` while it compiles a string that names a sign, and says so of a failure there."""
    package = Path(fpngraph.__file__).parent

    assert [str(file) for file in package.rglob("*.py") if "\\N{" in file.read_text(encoding="utf-8")] == []
