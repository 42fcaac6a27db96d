"""Errors and warnings differ at a glance, and colours go where they are wanted."""

from __future__ import annotations

import io

import pytest

from fpngraph.cli import messages
from fpngraph.errors import GraphError, Problem, Span

PLACE = Span("my.yaml", 7, 3, 6, "  abc: {inputs: [C4]}")
ERROR = Problem("unknown-key", "unknown key 'abc'", PLACE, "did you mean 'abd'?")
WARNING = Problem("unused-node", "nobody reads 'abc'", PLACE, severity="warning")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("stream", "environment", "wanted"),
    [
        pytest.param(Terminal(), {}, True, id="terminal"),
        pytest.param(io.StringIO(), {}, False, id="pipe"),
        pytest.param(Terminal(), {"NO_COLOR": "1"}, False, id="terminal that wants none"),
        pytest.param(Terminal(), {"NO_COLOR": ""}, True, id="NO_COLOR that is empty"),
        pytest.param(io.StringIO(), {"FORCE_COLOR": "1"}, True, id="pipe that wants some"),
        pytest.param(Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, id="both"),
        pytest.param(Terminal(), {"TERM": "dumb"}, False, id="dumb terminal"),
    ],
)
def test_colours_are_for_terminals_unless_somebody_says_otherwise(
    stream: io.StringIO, environment: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert messages.wants_colours(stream) is wanted


@pytest.mark.parametrize("problem", [ERROR, WARNING], ids=["error", "warning"])
def test_without_colours_a_problem_is_its_text(problem: Problem) -> None:
    assert messages.told(problem, io.StringIO()) == str(problem)


def test_an_error_is_red_with_its_carets() -> None:
    assert messages.told(ERROR, Terminal()) == (
        "\x1b[1mmy.yaml:7:3: \x1b[0m\x1b[1;31munknown key 'abc' [unknown-key]\x1b[0m\n"
        "  7 |   abc: {inputs: [C4]}\n"
        "    |   \x1b[1;31m^^^\x1b[0m\n"
        "\x1b[36m  hint: \x1b[0mdid you mean 'abd'?"
    )


def test_a_warning_is_yellow_with_its_carets() -> None:
    assert messages.told(WARNING, Terminal()) == (
        "\x1b[1mmy.yaml:7:3: \x1b[0m\x1b[1;33mwarning: nobody reads 'abc' [unused-node]\x1b[0m\n"
        "  7 |   abc: {inputs: [C4]}\n"
        "    |   \x1b[1;33m^^^\x1b[0m"
    )


def test_a_problem_without_a_place_says_who_complains(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")

    messages.complain_of(GraphError([Problem("unknown-preset", "there is no preset 'd9'"), ERROR]), "show")

    assert capsys.readouterr().err == (
        "\x1b[1mfpngraph show: \x1b[0m\x1b[1;31mthere is no preset 'd9' [unknown-preset]\x1b[0m\n"
        f"{messages.told(ERROR, Terminal())}\n"
    )


def test_a_complaint_says_who_complains(capsys: pytest.CaptureFixture[str]) -> None:
    messages.complain("no such thing", "show")
    messages.complain("no such command", "")

    assert capsys.readouterr().err == "fpngraph show: no such thing\nfpngraph: no such command\n"
