"""Graphs that come through standard input or a pipe, and texts that go to standard output."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import fpngraph
from fpngraph.cli.main import main
from fpngraph.language.limits import MAX_BYTES

GRAPH = """\
fpngraph: 1
name: small
inputs: C(3..4)
nodes:
  P(3..4): {inputs: [C(l)], channels: 8}
outputs: P(3..4)
"""
USER = "fpngraph: 1\nname: user\ninputs: C(3..4)\nstages: {s: {use: used.yaml}}\noutputs: P(3..4)\n"
WRITERS = [["new", "bifpn"], ["expand", "bifpn"], ["schema"], ["convert", "model", "efficientdet_d0"]]


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The exit status of a command, what it printed, and what it said on standard error."""
    status = main(arguments)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, workshop: Path) -> io.BytesIO:
    """What comes through standard input."""
    stream = io.BytesIO(GRAPH.encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
    return stream


def refill(stream: io.BytesIO, data: bytes) -> None:
    stream.seek(0)
    stream.truncate()
    stream.write(data)
    stream.seek(0)


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
@pytest.mark.parametrize(
    ("command", "start"),
    [
        pytest.param(["show"], "node  level  inputs ", id="show"),
        pytest.param(["check"], "<stdin>: ok\n", id="check"),
        pytest.param(["expand"], "fpngraph: 1\nname: small\n", id="expand"),
        pytest.param(["render"], "small", id="render"),
        pytest.param(["render", "--format", "svg"], "<svg ", id="render to a picture"),
    ],
)
def test_a_graph_comes_through_standard_input(
    command: list[str], start: str, name: str, typed: io.BytesIO, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, error = ended(capsys, command[0], name, *command[1:])

    assert (status, error) == (0, "")
    assert out.startswith(start)


def test_problems_of_it_have_their_lines(typed: io.BytesIO, capsys: pytest.CaptureFixture[str]) -> None:
    refill(typed, GRAPH.replace("C(l)", "D(l)").encode())

    status, _, error = ended(capsys, "show", "-")

    assert status == 1
    assert error.startswith("<stdin>:5:22: ")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"\xff", "<stdin>:1:1: not UTF-8: the byte 0xff (invalid start byte) [not-utf8]\n", id="bytes"),
        pytest.param(
            b"#" * (MAX_BYTES + 1),
            f"fpngraph show: cannot read '<stdin>': it has {MAX_BYTES + 1} bytes, a graph file has at most {MAX_BYTES} "
            "[limit-exceeded]\n",
            id="too much",
        ),
    ],
)
def test_what_is_no_graph_file_is_told(
    data: bytes, message: str, typed: io.BytesIO, capsys: pytest.CaptureFixture[str]
) -> None:
    refill(typed, data)

    status, _, error = ended(capsys, "show", "-")

    assert status == 1
    assert error.startswith(message)


def test_it_uses_files_of_the_working_directory(typed: io.BytesIO, capsys: pytest.CaptureFixture[str]) -> None:
    Path("used.yaml").write_text(GRAPH, encoding="utf-8")
    refill(typed, USER.encode())

    status, out, _ = ended(capsys, "expand", "-")

    assert status == 0
    assert fpngraph.loads(out).outputs == {"P3": "s.P3", "P4": "s.P4"}


def test_standard_input_that_is_closed_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    assert ended(capsys, "show", "-") == (2, "", "fpngraph show: standard input is closed\n")


def test_a_graph_comes_through_a_pipe_of_a_shell(workshop: Path) -> None:
    Path("my.yaml").write_text(GRAPH, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(fpngraph.__file__).parent.parent)}

    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m fpngraph expand <(cat my.yaml)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert fpngraph.loads(done.stdout) == fpngraph.load("my.yaml")


@pytest.mark.parametrize("command", WRITERS, ids=" ".join)
def test_a_dash_prints_what_a_file_would_have(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(capsys, *command, "-o", "-") == ended(capsys, *command)


@pytest.mark.parametrize("command", WRITERS, ids=" ".join)
def test_a_file_is_written_quietly_and_never_lost(
    command: list[str], workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = ended(capsys, *command, "-o", "out", "-q")
    again = ended(capsys, *command, "-o", "out")

    assert first == (0, "", "")
    assert again[::2] == (2, f"fpngraph {command[0]}: 'out' exists already\n  hint: add --force to write over it\n")
    assert Path("out").read_text(encoding="utf-8") == ended(capsys, *command)[1]


def test_a_stream_that_somebody_has_put_in_place_of_standard_output_is_written_to() -> None:
    with redirect_stdout(io.StringIO()) as stream:
        status = main(["expand", "fpn"])

    assert (status, stream.getvalue().splitlines()[0]) == (0, "fpngraph: 1")
