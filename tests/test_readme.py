"""The README is run from top to bottom: files it shows are written, code is executed, what it prints must come out."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

import fpngraph
from fpngraph.cli.main import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the file that its first line names."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        found = re.match(r"# (\S+\.(?:py|yaml))\n", self.text)
        return found[1] if found else None


BLOCKS = [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", README, re.M | re.S)]


@pytest.fixture(autouse=True)
def _files(workshop: Path) -> None:
    for block in BLOCKS:
        if block.file:
            (workshop / block.file).write_text(block.text, encoding="utf-8")


def printed(block: Block) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(block.text, "README.md", "exec"), {})
    return output.getvalue()


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Each command of a console block with the output that is shown for it."""
    for part in block.text.split("$ ")[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def test_the_first_block_is_a_graph_and_the_second_uses_it() -> None:
    graph, code, output = BLOCKS[:3]

    assert (graph.file, code.language, output.language) == ("my.yaml", "python", "text")
    assert printed(code) == output.text


def test_all_of_the_code_runs_from_top_to_bottom() -> None:
    shutil.copy(ROOT / "tools" / "astronaut.jpg", "photo.jpg")
    namespace: dict[str, Any] = {}

    for block in BLOCKS:
        if block.language == "python" and not block.file:
            exec(compile(block.text, "README.md", "exec"), namespace)

    pyramid = namespace["detector"].backbone(torch.randn(2, 3, 96, 64))
    assert {name: tuple(x.shape[1:]) for name, x in pyramid.items()} == {
        "P3": (64, 12, 8),
        "P4": (64, 6, 4),
        "P5": (64, 3, 2),
        "P6": (64, 2, 1),
        "P7": (64, 1, 1),
    }
    assert namespace["found"].boxes.shape[1] == 4


@pytest.mark.parametrize("file", [block.file for block in BLOCKS if block.language == "yaml"])
def test_graphs_load_unless_they_show_mistakes(file: str) -> None:
    importlib.import_module("attention")
    if file == "wrong.yaml":
        with pytest.raises(fpngraph.GraphError):
            fpngraph.load(file)
    else:
        assert fpngraph.load(file).outputs


@pytest.mark.parametrize(
    ("command", "output"),
    [command for block in BLOCKS if block.language == "console" for command in commands(block)],
)
def test_commands_print_what_is_shown(command: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    program, *arguments = shlex.split(command)

    main(arguments)

    assert program == "fpngraph"
    assert capsys.readouterr().out == output


def test_the_operator_of_its_own_costs_what_it_says() -> None:
    importlib.import_module("attention")
    graph = fpngraph.load("attentive.yaml")

    neck = fpngraph.build(graph, [16, 24, 32])

    parameters = sum(parameter.numel() for parameter in neck.parameters())
    assert fpngraph.cost(graph, [16, 24, 32], 64).parameters == parameters


def test_every_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])

    commands = re.findall(r"^    ([\w-]+)(?:  |$)", capsys.readouterr().out, re.M)
    assert len(commands) == len(set(commands)) > 10
    assert set(commands) == set(re.findall(r"^\| `fpngraph ([\w-]+)", README, re.M))


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)

    assert [link for link in links if "://" not in link and not (ROOT / link).is_file()] == []
