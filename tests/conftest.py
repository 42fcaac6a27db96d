"""Settings for every test process."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from fpngraph.ops import registry
from tests import differences
from tests.skips import told

# Read when torch is imported: two test processes on two cores would otherwise fight for them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Derandomised, so that a run means the same everywhere; a shared machine makes deadlines fail by chance.
settings.register_profile("fpngraph", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("fpngraph")


# A shell that starts a run in the background has it ignore interrupts, and whatever it starts would ignore them too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked ``exports`` are skipped where torch is too old for them."""
    asked = [item for item in items if item.get_closest_marker("exports")]
    if not asked:
        return
    from fpngraph.exporting.torch_export import torch_is_too_old

    if reason := torch_is_too_old():
        for item in asked:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish() -> None:
    """What is here now stays: without it, whatever makes many objects looks through all tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test that passes keeps how far the necks were off that it compared."""
    differences.taken()
    yield
    item.user_properties += differences.taken()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """Behind all that pytest has to say, but for its last line."""
    yield
    reasons = [report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped")]
    for line in told(reasons):
        terminalreporter.write_line(line)


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory to import modules from; what they register is forgotten afterwards."""
    modules = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    yield tmp_path
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]
