"""Graphs that use others, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fpngraph.cli.main import main
from fpngraph.library import load

USED = """\
fpngraph: 1
name: used
params: {act: relu}
inputs: C3
stages:
  cell: {repeat: 2, nodes: {t3: {inputs: [C3], channels: 8, op: [{conv: {kernel: 1}}, $act]}}, outputs: {C3: t3}}
outputs: C3
"""
USER = """\
fpngraph: 1
name: user
inputs: C3
stages:
  s: {use: used.yaml%s}
outputs: C3
"""


@pytest.fixture(autouse=True)
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "used.yaml").write_text(USED)
    (tmp_path / "user.yaml").write_text(USER % "")
    monkeypatch.chdir(tmp_path)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """What a command prints, on both streams."""
    assert main(list(arguments)) == status
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_a_folder_of_graphs_is_named_with_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "check", "user.yaml", "--graphs", "shared") == "user.yaml: ok\n"
    assert printed(capsys, "check", "user.yaml", status=1).startswith(
        "user.yaml:5:12: cannot read 'used.yaml': No such file or directory"
    )


def test_expand_writes_a_text_that_needs_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    printed(capsys, "expand", "user.yaml", "--graphs", "shared", "-o", "whole.yaml")

    assert load("whole.yaml") == load("user.yaml", folder="shared")
    assert printed(capsys, "check", "whole.yaml") == "whole.yaml: ok\n"


def test_show_and_render_have_its_nodes_by_their_full_names(capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads(printed(capsys, "show", "user.yaml", "--graphs", "shared", "--format", "json"))
    printed(capsys, "render", "user.yaml", "--graphs", "shared", "-o", "user.svg")

    names = ["s.cell.0.t3", "s.cell.1.t3"]
    assert [row["node"] for row in report["nodes"]] == names
    picture = Path("user.svg").read_text()
    assert all(name in picture for name in names)
    assert ">s.cell.0<" in picture


def test_a_problem_in_json_says_which_stage_uses_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("user.yaml").write_text(USER % ", params: {act: rely}")

    (found,) = json.loads(printed(capsys, "check", "user.yaml", "--graphs", "shared", "--format", "json", status=1))

    assert (found["file"], found["line"], found["used_by"]) == ("shared/used.yaml", 6, "stage 's' (user.yaml:5)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--graphs", "nowhere"], "argument --graphs: 'nowhere' is no folder"),
        (["--graphs", "user.yaml"], "argument --graphs: 'user.yaml' is no folder"),
        (
            ["-p", "folder=shared"],
            "argument -p: 'folder=shared' sets no parameter: '--graphs FOLDER' names a folder of graph files, "
            "where a command has it",
        ),
    ],
)
def test_what_is_no_folder_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["check", "user.yaml", *arguments])

    assert caught.value.code == 2
    assert message in capsys.readouterr().err
