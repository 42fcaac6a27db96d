"""Messages say what was typed: options, not the arguments of Python that they set; and no folder is left out unsaid."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fpngraph.cli.main import main
from tests.cli.refusing import said

TYPED = {
    "too few channels": (
        ["show", "fpn", "--in-channels", "8"],
        "fpngraph show: --in-channels has 1 numbers, but graph 'FPN' has the inputs C2, C3, C4, C5 [in-channels]\n",
    ),
    "a heading of no stage": (
        ["render", "bifpn", "-o", "x.svg", "--cell", "cel=A"],
        "fpngraph render: --cell has 'cel', which is no stage of graph 'BiFPN'\n  hint: there are: coarse, bifpn\n",
    ),
    "a width that is too small": (
        ["render", "bifpn", "-o", "x.svg", "--width", "1in"],
        "fpngraph render: at a width of 1in the smallest text has 2.0 pt, at least 5 pt are required\n"
        "  hint: this picture needs 2.5in; it may need less with --direction up and --collapse\n",
    ),
    "a folder whose name is too long": (
        ["show", "fpn", "--graphs", "x" * 300],
        f"fpngraph show: argument --graphs: '{'x' * 60}...' is no folder\n",
    ),
}


@pytest.mark.parametrize(("command", "message"), TYPED.values(), ids=TYPED)
def test_a_message_names_the_option_and_not_the_argument_of_python(
    command: list[str], message: str, workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, *command) == message


def test_check_names_the_option_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "json", "github", "sarif"):
        main(["check", "fpn", "--in-channels", "8", "--format", form])
        printed = capsys.readouterr().out

        assert "--in-channels has 1 numbers" in printed
        assert "in_channels" not in printed


def test_a_folder_within_that_nobody_may_read_stops_a_check(
    workshop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("graphs/secret").mkdir(parents=True)
    Path("graphs/fine.yaml").write_text("fpngraph: 1")
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: denied(path) if str(path).endswith("secret") else real(path))

    assert said(capsys, "check", "graphs") == "fpngraph check: 'graphs/secret': Permission denied\n"


def denied(path: object) -> None:
    raise PermissionError(13, "Permission denied", path)
