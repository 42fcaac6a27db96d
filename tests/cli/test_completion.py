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
from tests.cli.terminal import Terminal

GRAPH = "fpngraph: 1\nname: small\ninputs: C3\npresets: {a: {}, b: {}}\nnodes: {P3: {inputs: [C3]}}\noutputs: P3\n"


def told(line: str, folder: Path) -> list[list[str]]:
    """What is offered behind a line, each with what is told of it, as the shells ask that show it."""
    answer = folder / "answer"
    environment = os.environ | {
        "PYTHONPATH": str(Path(fpngraph.__file__).parent.parent),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_DFS": "\t",
        "_ARGCOMPLETE_SHELL": "fish",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    command = [sys.executable, "-W", "error", "-m", "fpngraph"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    return [line.strip().split("\t") for line in answer.read_text(encoding="utf-8").splitlines()]


def offered(line: str, folder: Path) -> list[str]:
    """What is offered behind a line."""
    return [words[0] for words in told(line, folder)]


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


def test_a_preset_is_offered_with_what_it_sets(tmp_path: Path) -> None:
    assert told("fpngraph show bifpn --preset d7x", tmp_path) == [
        ["d7x", "channels: 384, repeats: 8, fusion: sum, max: 8"]
    ]


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


START = {
    "bash": ("bash --rcfile {0}/start -i", "start", 'eval "$(fpngraph completion bash)"\nPS1="{1}"\n'),
    "zsh": ("zsh -i", ".zshrc", 'autoload -Uz compinit && compinit -u\neval "$(fpngraph completion zsh)"\nPS1="{1}"\n'),
    "fish": (
        "fish -i",
        "fish/config.fish",
        "fpngraph completion fish | source\nfunction fish_prompt; echo -n '{1}'; end\n",
    ),
}
"""Of each shell the command, its own file, and the lines that somebody writes in it."""


@pytest.mark.slow
@pytest.mark.parametrize("shell", START)
def test_the_tab_key_completes(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    command, name, lines = START[shell]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(lines.replace("{1}", "READY "), encoding="utf-8")
    (tmp_path / "my.yaml").write_text(GRAPH.replace("{a:", "{alpha:"), encoding="utf-8")
    program = tmp_path / "fpngraph"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m fpngraph "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    environment = os.environ | {
        **dict.fromkeys(("HOME", "ZDOTDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(tmp_path)),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(fpngraph.__file__).parent.parent),
        "TERM": "xterm",
    }

    with Terminal(command.format(tmp_path).split(), tmp_path, environment) as terminal:
        terminal.wait("READY ")
        for typed, completed in (
            ("ren", "render"),
            ("render my.yaml --node", "-labels"),
            ("new bifpn_", "paddle"),
            ("check my", ".yaml"),
            ("show my.yaml --preset al", "pha"),
            ("show bifpn -p chan", "nels="),
        ):
            terminal.type(f"fpngraph {typed}\t")
            terminal.wait(completed)
            terminal.type("\x15")  # the line is empty again
