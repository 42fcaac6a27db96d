"""What was typed wrongly is answered with what may have been meant, by the command that it was typed after."""

from __future__ import annotations

import pytest

import fpngraph
from fpngraph.cli.main import main
from fpngraph.cli.parser import _COMMANDS, called

NAMES = [called(command) for command in _COMMANDS]


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The exit status of a command, what it printed, and what it said on standard error."""
    try:
        status = main(arguments)
    except SystemExit as ended:  # argparse's way out
        status = int(str(ended.code or 0))
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.mark.parametrize(
    ("typed", "usage", "message"),
    [
        pytest.param(
            ["shwo"],
            "usage: fpngraph [-h] [-V] COMMAND ...\n",
            "fpngraph: there is no command 'shwo'\n  hint: did you mean 'show'?",
            id="command",
        ),
        pytest.param(
            ["show", "--frmt", "bifpn"],
            "usage: fpngraph show [-h] ",
            "fpngraph show: there is no option '--frmt'\n  hint: did you mean '--format'?",
            id="option before",
        ),
        pytest.param(
            ["render", "bifpn", "--tehme=dark"],
            "usage: fpngraph render [-h] ",
            "fpngraph render: there is no option '--tehme'\n  hint: did you mean '--theme'?",
            id="option after, with a value",
        ),
        pytest.param(
            ["show", "bifpn", "--format", "jsn"],
            "usage: fpngraph show [-h] ",
            "fpngraph show: argument --format: there is no 'jsn'\n  hint: did you mean 'json'? There are: text, json\n",
            id="choice",
        ),
        pytest.param(
            ["show", "bifpn", "fpn"],
            "usage: fpngraph show [-h] ",
            "fpngraph show: 'fpn' is one argument too many\n",
            id="two where one is taken",
        ),
        pytest.param(
            ["show"],
            "usage: fpngraph show [-h] ",
            "fpngraph show: the following arguments are required: GRAPH\n",
            id="nothing",
        ),
        pytest.param(
            ["--verison"],
            "usage: fpngraph [-h] [-V] COMMAND ...\n",
            "fpngraph: there is no option '--verison'\n  hint: did you mean '--version'?",
            id="no command",
        ),
    ],
)
def test_a_slip_gets_a_suggestion_and_the_usage_of_its_command(
    typed: list[str], usage: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, error = ended(capsys, *typed)

    assert (status, out) == (2, "")
    assert error.startswith(usage)
    assert error[error.index("\nfpngraph") + 1 :].startswith(message)


def test_nothing_at_all_gets_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, error = ended(capsys)

    assert (status, out) == (2, "")
    assert error == ended(capsys, "--help")[1]


@pytest.mark.parametrize("command", NAMES)
def test_help_of_a_command_is_its_help_and_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, error = ended(capsys, "help", command)

    assert (status, error) == (0, "")
    assert out == ended(capsys, command, "--help")[1]
    assert f"fpngraph {command}" in out.partition("\nexample:\n  ")[2]
    assert "--import MODULE" in out


def test_help_fits_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    for command in NAMES:
        above = ended(capsys, "help", command)[1].partition("\nexample:")[0]
        assert max(map(len, above.splitlines())) <= 80


def test_help_alone_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = ended(capsys, "help")

    assert status == 0
    assert [line.split()[0] for line in out.splitlines() if line.startswith("    ") and line[4] != " "] == NAMES


def test_help_of_a_command_that_there_is_not_suggests_one(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, error = ended(capsys, "help", "rendr")

    assert status == 2
    assert "fpngraph: there is no command 'rendr'\n  hint: did you mean 'render'?" in error


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(capsys, option) == (0, f"fpngraph {fpngraph.__version__}\n", "")
