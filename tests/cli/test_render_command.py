from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

import fpngraph
from fpngraph.cli import values
from fpngraph.cli.commands import render as command
from fpngraph.cli.main import main
from fpngraph.drawing import draw, files
from fpngraph.drawing.formats import extras, svg
from fpngraph.drawing.picture.diagram import diagram
from fpngraph.drawing.picture.theme import THEMES
from fpngraph.drawing.text import terminal

GRAPH = """\
fpngraph: 1
name: small
params: {runs: 4}
inputs: C(3..4)
defaults: {channels: 8}
stages:
  first:
    nodes: {P(3..4): {inputs: [C(l)]}}
  cell:
    repeat: $runs
    nodes:
      td3: {inputs: [P3, P4]}
      out4: {inputs: [P4, td3]}
    outputs: {P3: td3, P4: out4}
outputs: P(3..4)
"""
BROKEN = GRAPH.replace("[P4, td3]", "[P4, td5]")
ERROR = """\
my.yaml:13:27: node 'cell.0.out4' reads 'td5', which does not exist [unresolved-reference]
  13 |       out4: {inputs: [P4, td5]}
     |                           ^^^
  hint: family 'td' has 3 here; write 'td5 | none'
"""


@pytest.fixture(autouse=True)
def _graph(workshop: Path) -> None:
    (workshop / "my.yaml").write_text(GRAPH, encoding="utf-8")


def assert_ends(capsys: pytest.CaptureFixture[str], status: int, *options: str) -> str:
    """Run ``render`` with a status; what it printed, to standard error if there is any."""
    try:
        found = main(["render", *options])
    except SystemExit as ended:  # argparse's way out
        found = ended.code  # type: ignore[assignment]
    printed = capsys.readouterr()
    assert found == status, printed.err
    return printed.err or printed.out


@pytest.mark.parametrize("ending", files.WRITERS)
def test_every_format_is_written(capsys: pytest.CaptureFixture[str], ending: str) -> None:
    printed = assert_ends(capsys, 0, "my.yaml", "-o", f"out{ending}")

    assert printed == f"wrote out{ending}\n"
    assert Path(f"out{ending}").stat().st_size > 500


def test_options_reach_the_picture(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--theme", "dark", "--node-labels", "ids", "--no-title", "--no-legend", "--expand", "-p", "runs=5"]
    options += ["--in-channels", "8,16", "--image-size", "64x96"]
    graph = fpngraph.load("my.yaml", runs=5)

    assert_ends(capsys, 0, "my.yaml", "-o", "out.svg", *options)

    scene = draw(
        graph,
        theme="dark",
        labels="ids",
        title=False,
        legend=False,
        expand=True,
        in_channels=[8, 16],
        image_size=(64, 96),
    )
    assert Path("out.svg").read_text(encoding="utf-8") == svg.write(scene)


def test_options_for_paper_reach_the_picture(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--theme", "grey", "--node-labels", "ops", "--title", "My neck", "--legend", "beside", "-p", "runs=2"]
    options += ["--cell", "cell=My cell", "--cell", "first=Lateral", "--width", "18cm"]

    assert_ends(capsys, 0, "my.yaml", "-o", "out.svg", *options)

    scene = draw(
        fpngraph.load("my.yaml", runs=2),
        theme="grey",
        labels="ops",
        title="My neck",
        legend="beside",
        cells={"cell": "My cell", "first": "Lateral"},
        width="18cm",
    )
    assert Path("out.svg").read_text(encoding="utf-8") == svg.write(scene)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--rows", "2"], "--rows is for pictures in files: add -o FILE"),
        (["--rows", "2", "-o", "out.dot"], "rows are given (2); only .svg, .png, .pdf and .html have them"),
        (["--rows", "2", "--direction", "up", "-o", "out.svg"], "rows are for sweeps to the right"),
        (["--rows", "99", "-o", "out.svg"], "99 rows are asked for, and graph "),
        (["--rows", "0", "-o", "out.svg"], "argument --rows: "),
        (["--width", "3in"], "--width is for pictures in files: add -o FILE"),
        (["--width", "3in", "-o", "out.html"], "a width of 3in is given; only .svg, .png and .pdf have one"),
        (["--width", "1in", "-o", "out.svg"], "at a width of 1in the smallest text has "),
        (["--width", "3", "-o", "out.svg"], "argument --width: '3' is no width; a number above 0 with a unit"),
        (["--cell", "cell", "-o", "out.svg"], "argument --cell: 'cell' is not of the form STAGE=TEXT"),
        (
            ["--cell", "cel=A", "-o", "out.svg"],
            "--cell has 'cel', which is no stage of graph 'small'\n  hint: did you mean",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_paper_cannot_have_is_said(
    capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    printed = assert_ends(capsys, 2, "my.yaml", *arguments)

    assert f"fpngraph render: {expected}" in printed
    assert not [*Path().glob("out.*")]


def test_collapse_draws_equal_runs_once(capsys: pytest.CaptureFixture[str]) -> None:
    printed = assert_ends(capsys, 0, "my.yaml", "-p", "runs=2", "--collapse")

    assert "cell \u00d72" in printed


def test_a_picture_that_exists_is_replaced_only_when_forced(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.svg").write_text("old", encoding="utf-8")
    printed = assert_ends(capsys, 2, "my.yaml", "-o", "out.svg")
    before = Path("out.svg").read_text(encoding="utf-8")

    assert_ends(capsys, 0, "my.yaml", "-o", "out.svg", "--force")

    assert printed == "fpngraph render: 'out.svg' exists already\n  hint: add --force to write over it\n"
    assert before == "old"

    assert Path("out.svg").read_text(encoding="utf-8") == svg.write(draw(fpngraph.load("my.yaml")))


@pytest.mark.parametrize("arguments", [["-o", "-", "--format", "svg"], ["--format", "svg"]], ids=["-", "no file"])
def test_a_picture_goes_to_standard_output(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    printed = assert_ends(capsys, 0, "my.yaml", *arguments)

    assert printed == svg.write(draw(fpngraph.load("my.yaml")))


def test_a_picture_without_text_goes_through_a_pipe_whole() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fpngraph", "render", "my.yaml", "-o", "-", "--format", "png"],
        env={**os.environ, "PYTHONPATH": str(Path(fpngraph.__file__).parent.parent)},
        capture_output=True,
        check=True,
    )

    with Image.open(io.BytesIO(done.stdout)) as picture:
        assert picture.format == "PNG"
        picture.verify()


def test_a_format_overrides_the_ending(capsys: pytest.CaptureFixture[str]) -> None:
    assert_ends(capsys, 0, "my.yaml", "-o", "out.txt", "--format", "dot")

    assert Path("out.txt").read_text(encoding="utf-8").startswith("digraph")


def test_a_quiet_command_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert assert_ends(capsys, 0, "my.yaml", "-o", "out.svg", "-q") == ""


def test_a_picture_without_text_is_kept_off_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")

    printed = assert_ends(capsys, 2, "my.yaml", "-o", "-", "--format", "pdf")

    assert printed == "fpngraph render: .pdf is no text for a terminal\n  hint: add -o FILE\n"


def test_without_a_file_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    printed = assert_ends(capsys, 0, "my.yaml")

    assert printed == terminal.write(diagram(fpngraph.load("my.yaml")))


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        pytest.param(
            ["my.yaml", "-o", "old.jpg"],
            2,
            "fpngraph render: 'old.jpg' has the ending '.jpg', which says no format"
            "\n  hint: did you mean '.png'? There are: .svg, .png, .pdf, .html, .mmd, .dot\n",
            id="unknown ending",
        ),
        pytest.param(
            ["my.yaml", "-o", "none/old.svg", "--force"],
            2,
            "fpngraph render: 'none': there is no such folder\n",
            id="no folder",
        ),
        pytest.param(
            ["my.yaml", "-o", "folder.svg"], 2, "fpngraph render: 'folder.svg': Is a directory\n", id="folder"
        ),
        pytest.param(
            ["broken.yaml", "-o", "old.svg", "--force"], 1, ERROR.replace("my.", "broken."), id="errors in the graph"
        ),
        pytest.param(
            ["my.yaml", "-o", "old.svg", "--in-channels", "8", "--force"],
            2,
            "fpngraph render: --in-channels has 1 numbers, but graph 'small' has the inputs C3, C4 [in-channels]\n",
            id="channels that do not fit",
        ),
        pytest.param(
            ["my.yaml", "-o", "old.svg", "--image-size", "64", "--force"],
            2,
            "fpngraph render: --image-size needs the channels of the inputs: add --in-channels or --backbone\n",
            id="size without channels",
        ),
        pytest.param(
            ["my.yaml", "-o", "old.svg", "--scale", "3"],
            2,
            "fpngraph render: --scale is for .png, and 'old.svg' has no pixels\n",
            id="scale without pixels",
        ),
        pytest.param(
            ["my.yaml", "--watch"], 2, "fpngraph render: --watch is for pictures in files: add -o FILE\n", id="no file"
        ),
        pytest.param(
            ["my.yaml", "--watch", "-o", "-", "--format", "svg"],
            2,
            "fpngraph render: --watch is for pictures in files: add -o FILE\n",
            id="standard output again and again",
        ),
        pytest.param(
            ["-", "--watch", "-o", "new.svg"],
            2,
            "fpngraph render: --watch draws again when a file is saved, but '-' is no file\n",
            id="standard input again and again",
        ),
        pytest.param(
            ["my.yaml", "-o", "-"],
            2,
            "fpngraph render: '-o -' says no format\n  hint: add --format svg, or leave -o out for a drawing as text\n",
            id="no format",
        ),
    ],
)
def test_what_cannot_be_drawn_says_why_and_leaves_files_alone(
    capsys: pytest.CaptureFixture[str], options: list[str], status: int, text: str
) -> None:
    Path("folder.svg").mkdir()
    Path("broken.yaml").write_text(BROKEN, encoding="utf-8")
    for name in ("old.svg", "old.jpg"):
        Path(name).write_text("old", encoding="utf-8")

    printed = assert_ends(capsys, status, *options)

    assert printed == text
    assert sorted(path.name for path in Path().iterdir()) == [
        "broken.yaml",
        "folder.svg",
        "my.yaml",
        "old.jpg",
        "old.svg",
    ]
    assert Path("old.svg").read_text(encoding="utf-8") == "old"


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)

    printed = assert_ends(capsys, 2, "my.yaml", "-o", "out.png")

    assert printed == f"fpngraph render: {extras.MissingExtra('png')}\n"


def test_a_chart_that_is_too_large_for_its_format_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    printed = assert_ends(capsys, 2, "my.yaml", "-o", "out.mmd", "-p", "runs=150", "--expand")

    assert re.match(r"fpngraph render: graph 'small' takes \d+ edges, and Mermaid draws at most 500\n", printed)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "two"])
def test_a_scale_is_a_number_above_zero(capsys: pytest.CaptureFixture[str], text: str) -> None:
    printed = assert_ends(capsys, 2, "my.yaml", "-o", "out.png", f"--scale={text}")

    assert printed.endswith(f"fpngraph render: argument --scale: {text!r} is not a number above 0\n")
    assert values.scale("1.5") == 1.5


def test_a_sign_that_the_font_lacks_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    Path("my.yaml").write_text(GRAPH.replace("name: small", "name: 小"), encoding="utf-8")

    printed = assert_ends(capsys, 0, "my.yaml", "-o", "out.png")

    assert re.fullmatch(r"fpngraph render: warning: the font has no '小'.*\n", printed)


def test_the_help_names_every_format_and_theme() -> None:
    assert command._ENDINGS.replace(" or ", ", ").split(", ") == [*files.WRITERS]
    assert [f".{form}" for form in command._FORMATS] == [*files.WRITERS]
    assert command._THEMES == THEMES


def process(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """``render`` in a process of its own."""
    root = str(Path(fpngraph.__file__).parent.parent)
    return subprocess.Popen(
        [sys.executable, "-m", "fpngraph", "render", *arguments],
        env={**os.environ, "PYTHONPATH": root, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def test_where_there_are_no_box_characters_plain_ones_are_printed() -> None:
    out, error = process("my.yaml", PYTHONIOENCODING="ascii").communicate(timeout=60)

    assert error == ""
    assert out == terminal.plain(terminal.write(diagram(fpngraph.load("my.yaml"))))


@pytest.mark.parametrize(
    ("no_colour", "coloured"), [("1", False), ("", True), (None, True)], ids=["NO_COLOR", "empty", "as it is"]
)
def test_a_terminal_gets_its_width_and_colours_unless_it_wants_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], no_colour: str | None, coloured: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    if no_colour is not None:
        monkeypatch.setenv("NO_COLOR", no_colour)

    printed = assert_ends(capsys, 0, "my.yaml")

    assert printed == terminal.write(diagram(fpngraph.load("my.yaml")), width=40, colour=coloured)


@pytest.fixture
def watching() -> Iterator[subprocess.Popen[str]]:
    watch = process("my.yaml", "-o", "out.svg", "--watch")
    yield watch
    watch.kill()
    watch.communicate()


def seen(when: Callable[[list[str]], bool]) -> None:
    """Wait until the texts of the picture are as they should be; at no time is it anything but a whole file."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if Path("out.svg").exists():
            root = ET.fromstring(Path("out.svg").read_text(encoding="utf-8"))
            if when([element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]):
                return
        time.sleep(0.001)
    pytest.fail("the picture never became what it should")


def test_a_watched_graph_is_drawn_at_every_save_and_shows_its_errors(watching: subprocess.Popen[str]) -> None:
    seen(lambda texts: "td3" in texts)
    Path("my.yaml").write_text(BROKEN, encoding="utf-8")
    seen(lambda texts: texts == ["my.yaml", *ERROR.splitlines()])
    Path("new.yaml").write_text(GRAPH.replace("td3", "mid3"), encoding="utf-8")
    Path("new.yaml").replace("my.yaml")  # as some editors save
    seen(lambda texts: "mid3" in texts)
    assert watching.stdout is not None
    told = [watching.stdout.readline() for _ in range(2)]

    watching.send_signal(signal.SIGINT)
    out, error = watching.communicate(timeout=30)

    assert watching.returncode == 130
    assert [*told, out] == ["wrote out.svg\n", "wrote out.svg\n", ""]
    assert error == ERROR
    assert sorted(path.name for path in Path().iterdir()) == ["my.yaml", "out.svg"]


def test_watching_a_file_that_is_not_there_ends_at_once() -> None:
    watch = process("none.yaml", "-o", "out.svg", "--watch")

    out, error = watch.communicate(timeout=60)

    assert (watch.returncode, out) == (2, "")
    assert error.startswith("fpngraph render: ")
    assert "none.yaml" in error


def test_every_file_that_a_graph_uses_is_watched() -> None:
    Path("user.yaml").write_text(
        "fpngraph: 1\nname: user\ninputs: C(3..4)\nstages: {s: {use: my.yaml, params: {runs: 1}}}\noutputs: P(3..4)\n",
        encoding="utf-8",
    )
    watch = process("user.yaml", "-o", "out.svg", "--watch", "-q")
    try:
        seen(lambda texts: "td3" in texts)
        Path("my.yaml").write_text(GRAPH.replace("td3", "mid3"), encoding="utf-8")
        seen(lambda texts: "mid3" in texts)
        Path("my.yaml").unlink()
        seen(lambda texts: any("cannot read" in text for text in texts))
        Path("my.yaml").write_text(GRAPH.replace("td3", "low3"), encoding="utf-8")
        seen(lambda texts: "low3" in texts)
    finally:
        watch.send_signal(signal.SIGINT)
        out, _ = watch.communicate(timeout=30)

    assert (watch.returncode, out) == (130, "")
