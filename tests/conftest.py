"""Settings for every test process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from fpngraph.ops import base

# Read when torch is imported: two test processes on two cores would otherwise fight for them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Derandomised, so that a run means the same everywhere; a shared machine makes deadlines fail by chance.
settings.register_profile("fpngraph", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("fpngraph")


# A shell that starts a run in the background has it ignore interrupts, and whatever it starts would ignore them too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory to import modules from; what they register is forgotten afterwards."""
    modules = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(base, "_registry", dict(base._registry))
    yield tmp_path
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]
