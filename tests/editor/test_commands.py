"""How ``language-server`` and ``serve`` end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("said", [b"", b"hello\n\nnonsense"], ids=["nothing", "nonsense"])
def test_a_language_server_whose_editor_is_gone_ends(said: bytes, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fpngraph", "language-server"]

    done = subprocess.run(command, cwd=tmp_path, input=said, capture_output=True, timeout=60, check=False)

    assert (done.returncode, done.stdout) == (0, b"")


def test_an_editor_that_cancels_what_is_answered_already_is_told_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fpngraph", "language-server"]
    said = b'{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 1}}'
    message = b"Content-Length: %d\r\n\r\n%b" % (len(said), said)

    done = subprocess.run(command, cwd=tmp_path, input=message, capture_output=True, timeout=60, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_page_that_is_interrupted_ends_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fpngraph", "serve", "--no-browser"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert errors == ""
