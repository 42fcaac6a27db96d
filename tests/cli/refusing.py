"""A command that cannot do what is asked."""

from __future__ import annotations

import pytest

from fpngraph.cli.main import main


def said(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """What a command says that cannot do what is asked, without the usage in front of it."""
    try:
        status = main(command)
    except SystemExit as ended:  # argparse's way out
        status = int(str(ended.code))
    assert status
    printed = capsys.readouterr().err
    return printed[printed.index(f"fpngraph {command[0]}: ") :] if printed.startswith("usage: ") else printed
