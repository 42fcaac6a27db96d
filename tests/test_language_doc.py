"""docs/language.md: every example does what the page shows.

The blocks of the page, and what an HTML comment right before one says of it:

- ``yaml`` with the key ``fpngraph``: a whole graph. ``file: a.yaml`` names it; ``in_channels: 3, 16`` are the channels
  to build it with (without it an input of level l has 16 * l); ``import: a`` a module of the page that it needs;
  ``picture: a.svg`` its picture, which ``tools/gallery.py`` draws.
- any other ``yaml``: a fragment. ``into: a.yaml`` names the graph whose top-level keys it replaces, ``as: b.yaml`` the
  graph that comes out, so that another fragment can go into that one.
- ``python``: run, all in the order of the page and in one namespace. ``file: a.py`` saves one to be imported instead.
- ``text``: after ``python`` what that printed, after ``yaml`` the errors of that graph, or else its warnings.
- ``console``: commands and what they print. ``json`` and ``toml``: parsed.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
import torch

import fpngraph
from fpngraph.cli.main import main
from fpngraph.language.keys.json_schema import schema
from fpngraph.language.yaml.source import read
from fpngraph.language.yaml.writing import to_yaml
from fpngraph.ops import operators

PAGE = (Path(__file__).parents[1] / "docs" / "language.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"(?:^<!-- ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$", re.M | re.S)
_KNOWN = {"yaml": {"file", "in_channels", "import", "into", "as", "picture"}, "python": {"file"}}
_IMAGE = (101, 67)


@dataclass(frozen=True, eq=False)
class Block:
    """A fenced block; ``line`` is that of its first fence."""

    kind: str
    text: str
    marks: dict[str, str]
    line: int
    before: Block | None

    @property
    def file(self) -> str:
        """What the file is called that has this block."""
        return self.marks.get("as", self.marks.get("file", f"line{self.line}.yaml"))


def read_blocks() -> Iterator[Block]:
    before = None
    for match in _BLOCK.finditer(PAGE):
        marks = dict(part.split(": ", 1) for part in (match[1] or "").split("; ") if part)
        before = Block(match[2], match[3], marks, PAGE.count("\n", 0, match.start(2)) + 1, before)
        yield before


BLOCKS = tuple(read_blocks())


def of_kind(*kinds: str) -> list[Block]:
    return [block for block in BLOCKS if block.kind in kinds]


def label(value: object) -> str:
    return f"line-{value.line}" if isinstance(value, Block) else str(value)


def shows_problems(block: Block) -> bool:
    return any(other.kind == "text" and other.before is block for other in BLOCKS)


GRAPHS = of_kind("yaml")
SOUND = [block for block in GRAPHS if not shows_problems(block)]


def graph_text(block: Block) -> str:
    """The file of a block: itself, or the graph that a fragment goes into with the fragment's keys."""
    if "into" not in block.marks:
        return block.text
    outer = next(other for other in GRAPHS if other.file == block.marks["into"])
    return to_yaml(read(graph_text(outer), outer.file).plain() | read(block.text, block.file).plain())


def size_at(level: int, finest: int) -> tuple[int, int]:
    """Height and width at a level, where the finest input is at ``finest``; beyond that, sizes double."""
    height, width = (-(-side // 2 ** max(level, finest)) << max(finest - level, 0) for side in _IMAGE)
    return height, width


def load(block: Block) -> fpngraph.Graph:
    """The graph of a block. Raises GraphError."""
    if "import" in block.marks:
        import_module(block.marks["import"])
    return fpngraph.load(block.file)


def in_channels(block: Block, graph: fpngraph.Graph) -> list[int]:
    """Channels of the graph's inputs, by the mark of the block or of the one it goes into."""
    if "in_channels" in block.marks:
        return [int(number) for number in block.marks["in_channels"].split(",")]
    return [16 * entry.level for entry in graph.inputs.values()]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all files of the page."""
    folder = tmp_path_factory.mktemp("page")
    for block in GRAPHS:
        (folder / block.file).write_text(graph_text(block), encoding="utf-8")
    for block in of_kind("python"):
        if "file" in block.marks:
            (folder / block.file).write_text(block.text, encoding="utf-8")
    return folder


@pytest.fixture
def folder(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder as the current one. What its modules register, and they themselves, are gone afterwards."""
    monkeypatch.chdir(files)
    monkeypatch.syspath_prepend(files)
    monkeypatch.setattr("fpngraph.ops.registry._registry", {(op.kind, op.name): op for op in operators()})
    yield files
    for path in files.glob("*.py"):
        sys.modules.pop(path.stem, None)


def without_spaces_at_ends(text: str) -> str:
    """A block cannot show spaces at the ends of lines."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def test_no_block_is_of_a_kind_that_is_not_tested() -> None:
    fences = re.findall(r"^ *(?:```|~~~).*$", PAGE, re.M)

    assert len(fences) == 2 * len(BLOCKS)
    assert re.findall(r"\n\n(?: {4}|\t).*", _BLOCK.sub("", PAGE)) == []  # code by indentation alone
    assert {block.kind for block in BLOCKS} == {"yaml", "python", "text", "console", "json", "toml"}
    for block in BLOCKS:
        assert block.marks.keys() <= _KNOWN.get(block.kind, set()), label(block)
        if block.kind == "text":
            assert block.before is not None
            assert block.before.kind in ("yaml", "python"), label(block)


def test_every_file_of_the_page_has_a_name_of_its_own() -> None:
    named = [block.file for block in (*GRAPHS, *of_kind("python")) if block.marks.keys() & {"file", "as"}]

    assert len(set(named)) == len(named)


@pytest.mark.parametrize("block", GRAPHS, ids=label)
def test_a_graph_is_whole_or_says_where_it_goes(block: Block) -> None:
    is_whole = "fpngraph" in read(block.text, block.file).plain()

    assert is_whole == ("into" not in block.marks)


@pytest.mark.parametrize("block", [block for block in GRAPHS if "file" in block.marks], ids=label)
def test_a_file_is_called_as_its_graph(block: Block) -> None:
    assert block.file == read(block.text, block.file).plain()["name"] + ".yaml"


@pytest.mark.parametrize("block", SOUND, ids=label)
def test_a_graph_builds_and_gives_every_output_at_its_size(block: Block, folder: Path) -> None:
    graph = load(block)
    channels = in_channels(block, graph)
    finest = min(entry.level for entry in graph.inputs.values())
    maps = {
        name: torch.randn(1, number, *size_at(entry.level, finest))
        for (name, entry), number in zip(graph.inputs.items(), channels, strict=True)
    }

    neck = fpngraph.build(graph, channels).eval()
    with torch.no_grad():
        outputs = neck(maps)

    assert {name: tuple(y.shape) for name, y in outputs.items()} == {
        name: (1, neck.out_channels[name], *size_at(stride.bit_length() - 1, finest))
        for name, stride in neck.out_strides.items()
    }


@pytest.mark.parametrize("block", SOUND, ids=label)
def test_an_editor_with_the_schema_accepts_a_graph(block: Block, folder: Path) -> None:
    load(block)
    data = read(graph_text(block), block.file).plain()

    errors = list(jsonschema.Draft202012Validator(schema()).iter_errors(data))

    assert errors == []


@pytest.mark.parametrize("block", [b for b in of_kind("text") if b.before and b.before.kind == "yaml"], ids=label)
def test_errors_and_warnings_are_the_printed_ones(block: Block, folder: Path) -> None:
    shown = block.before
    assert shown is not None

    try:
        graph = load(shown)
        fpngraph.infer(graph, in_channels(shown, graph))
        problems = graph.warnings
    except fpngraph.GraphError as error:
        problems = error.problems

    assert "".join(f"{problem}\n" for problem in problems) == block.text


def test_python_examples_run_in_order_and_print_what_is_shown(folder: Path) -> None:
    namespace: dict[str, Any] = {"__name__": "page"}
    printed = {}
    for block in of_kind("python"):
        if "file" not in block.marks:
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(compile("\n" * block.line + block.text, "docs/language.md", "exec"), namespace)
            printed[block.line] = without_spaces_at_ends(output.getvalue())

    shown = {
        block.before.line: block.text for block in of_kind("text") if block.before and block.before.line in printed
    }
    assert shown == {line: text for line, text in printed.items() if text}


@pytest.mark.parametrize("block", of_kind("console"), ids=label)
def test_commands_print_what_is_shown(block: Block, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = ""
    for line in block.text.splitlines():
        if not line.startswith("$ "):
            continue
        command, _, target = line.removeprefix("$ ").partition(" > ")
        program, *arguments = shlex.split(command)
        assert program == "fpngraph"
        main(arguments)
        output = capsys.readouterr().out
        if target:
            Path(target).write_text(output, encoding="utf-8")
        shown += f"{line}\n" + ("" if target else without_spaces_at_ends(output))

    assert shown == block.text


@pytest.mark.parametrize("block", of_kind("json", "toml"), ids=label)
def test_files_of_other_programs_are_well_formed(block: Block, folder: Path) -> None:
    if block.kind == "json":
        (path,) = json.loads(block.text)["yaml.schemas"]
        assert Path(path).name == "fpngraph.schema.json"
    else:
        groups = tomllib.loads(block.text)["project"]["entry-points"]
        assert groups.keys() <= {"fpngraph.operators", "fpngraph.graphs"}
        modules = groups.get("fpngraph.operators", {}).values()
        assert {f"{module}.py" for module in modules} <= {path.name for path in folder.iterdir()}
