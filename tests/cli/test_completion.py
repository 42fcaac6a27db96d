"""A shell completes commands, options, graphs, presets and parameters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fpngraph
from fpngraph.cli.main import main
from fpngraph.cli.parser import parser
from fpngraph.library import describe, shipped

GRAPH = "fpngraph: 1\nname: small\ninputs: C3\npresets: {a: {}, b: {}}\nnodes: {P3: {inputs: [C3]}}\noutputs: P3\n"


def offered(line: str, folder: Path) -> list[str]:
    """What is offered behind a line, as a shell asks for it."""
    answer = folder / "answer"
    environment = os.environ | {
        "PYTHONPATH": str(Path(fpngraph.__file__).parent.parent),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    command = [sys.executable, "-W", "error", "-m", "fpngraph"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    return [word.strip() for word in answer.read_text(encoding="utf-8").splitlines()]


def test_commands_are_offered(tmp_path: Path) -> None:
    assert {*parser().commands()} <= {*offered("fpngraph ", tmp_path)}
    assert offered("fpngraph ren", tmp_path) == ["render"]
    assert offered("fpngraph help ren", tmp_path) == ["render"]


def test_options_and_their_choices_are_offered(tmp_path: Path) -> None:
    assert offered("fpngraph render bifpn --node", tmp_path) == ["--node-labels"]
    assert offered("fpngraph render bifpn --theme ", tmp_path) == ["auto", "light", "dark", "grey", "print"]


def test_graphs_are_offered_by_their_names_and_as_files(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(GRAPH, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")

    found = offered("fpngraph show ", tmp_path)

    assert {*shipped(), "my.yaml"} <= {*found}
    assert "notes.txt" not in found
    assert offered("fpngraph new bifpn_", tmp_path) == ["bifpn_paddle"]


@pytest.mark.parametrize("command", ["show", "check", "list", "bench"])
def test_presets_of_the_graph_are_offered(command: str, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(GRAPH, encoding="utf-8")

    if command != "list":
        assert offered(f"fpngraph {command} bifpn --preset ", tmp_path) == [*describe("bifpn").presets]
        assert offered(f"fpngraph {command} my.yaml --preset ", tmp_path) == ["a", "b"]
    assert "my.yaml" in offered(f"fpngraph {command} my", tmp_path)


def test_parameters_of_the_graph_are_offered(tmp_path: Path) -> None:
    assert offered("fpngraph show bifpn -p ch", tmp_path) == ["channels="]
    assert offered("fpngraph diff bifpn -p ch", tmp_path) == ["channels="]
    assert offered("fpngraph show nothing -p ", tmp_path) == []


def test_operators_are_offered(tmp_path: Path) -> None:
    assert offered("fpngraph operators encoder", tmp_path) == ["encoder_layer"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_can_read_its_text(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0

    text = capsys.readouterr().out
    assert "fpngraph" in text
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell} to go on")
    subprocess.run([shell, "-n"], input=text, text=True, check=True)


def test_bash_completes_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", "bash"])
    command = tmp_path / "fpngraph"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m fpngraph "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    asking = (
        'COMP_LINE="fpngraph show bifpn --preset d7"; COMP_POINT=${#COMP_LINE}\n'
        '_python_argcomplete fpngraph; printf "%s|" "${COMPREPLY[@]}"\n'
    )
    path = f"{tmp_path}:{os.environ['PATH']}"
    environment = os.environ | {"PYTHONPATH": str(Path(fpngraph.__file__).parent.parent), "PATH": path}

    done = subprocess.run(
        ["bash", "-c", capsys.readouterr().out + asking], env=environment, capture_output=True, text=True, check=True
    )

    assert [word.strip() for word in done.stdout.split("|") if word] == ["d7", "d7x"]


def test_without_its_package_it_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "argcomplete.shell_integration", None)

    assert main(["completion", "bash"]) == 2

    assert capsys.readouterr().err == (
        "fpngraph completion: completion is done by the package 'argcomplete', which is not installed\n"
        "  hint: pip install 'fpngraph[completion]'\n"
    )
