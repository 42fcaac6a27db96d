"""``fpngraph diff``: what changed, as text, as JSON and as a picture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import fpngraph
from fpngraph.cli.main import main

BEFORE = """\
fpngraph: 1
name: small
params: {channels: 8}
presets: {wide: {channels: 16}}
inputs: C(3..4)
defaults: {channels: $channels}
stages:
  mix:
    repeat: 2
    nodes:
      a(3..4): {inputs: [C(l), a(l+1) | none]}
    outputs: {C(3..4): a(l)}
outputs: C(3..4)
"""
AFTER = """\
fpngraph: 1
name: small
params: {channels: 8}
inputs: C(3..4)
defaults: {channels: $channels}
stages:
  mix:
    repeat: 2
    nodes:
      a(3..4): {inputs: [C(l), a(l+1) | none], fusion: max}
      side4: {inputs: [C4, C3]}
    outputs: {C3: a3, C4: side4}
outputs: C(3..4)
"""
TEXT = """\
before.yaml -> after.yaml
+ node mix.0.side4: level 4; sum of C4 (1x1?), C3 (1x1? + max_pool/2)
+ node mix.1.side4: level 4; sum of mix.0.side4 (1x1?), mix.0.a3 (1x1? + max_pool/2)
~ nodes mix.0.a4, mix.0.a3, mix.1.a3
    fusion: sum -> max
~ node mix.1.a4
    fusion: sum -> max
    - edge from mix.0.a4
    + edge from mix.0.side4
~ output C4: mix.1.a4 -> mix.1.side4
nodes: 4 -> 6 (2 new, 0 gone, 4 changed)
edges: 6 -> 10 (5 new, 1 gone)
"""


@pytest.fixture(autouse=True)
def _files(workshop: Path) -> None:
    (workshop / "before.yaml").write_text(BEFORE, encoding="utf-8")
    (workshop / "after.yaml").write_text(AFTER, encoding="utf-8")


def run(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> tuple[str, str]:
    try:
        found = main(["diff", *arguments])
    except SystemExit as ended:  # argparse's way out
        found = ended.code  # type: ignore[assignment]
    printed = capsys.readouterr()
    assert found == status, printed
    return printed.out, printed.err


def test_text_has_a_line_per_change(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "before.yaml", "after.yaml")

    assert out == TEXT


def test_equal_graphs_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "before.yaml", "before.yaml")[0].splitlines() == [
        "before.yaml -> before.yaml",
        "no difference: both compute the same under the same names",
        "nodes: 4 -> 4 (0 new, 0 gone, 0 changed)",
        "edges: 6 -> 6 (0 new, 0 gone)",
    ]


def test_costs_are_told_where_channels_are(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "before.yaml", "before.yaml@wide", "--in-channels", "8,8", "--image-size", "64")[0].splitlines()

    # with 8 channels nothing is projected; with 16 each of C3 and C4 is: 8 x 16 weights and 16 biases, 8 x 8 + 4 x 4 px
    assert lines[0] == "before.yaml -> before.yaml@wide"
    assert lines[-2:] == ["parameters: 0 -> 288 (+288)", "MACs: 0 -> 10,240 (+10,240)"]
    assert "    channels of the output: 8 -> 16 (+8, +100.0 %)" in lines


def test_json_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "before.yaml", "after.yaml", "--format", "json", "--in-channels", "8,8")[0])

    assert (found["before"], found["after"], found["equal"]) == ("before.yaml", "after.yaml", False)
    assert found["nodes"]["new"] == ["mix.0.side4", "mix.1.side4"]
    assert found["nodes"]["gone"] == []
    assert found["nodes"]["changed"]["mix.0.a3"]["settings"] == [
        {"setting": "fusion", "from": None, "before": "sum", "after": "max"}
    ]
    assert {"from": "mix.0.side4", "to": "mix.1.a4"} in found["edges"]["new"]
    assert found["edges"]["gone"] == [{"from": "mix.0.a4", "to": "mix.1.a4"}]
    assert found["outputs"] == {"C4": {"before": "mix.1.a4", "after": "mix.1.side4"}}
    assert found["orders"] == {}
    assert found["parameters"] == {"before": 0, "after": 0}


def test_outputs_in_another_order_are_no_equal_graphs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.yaml").write_text(BEFORE.replace("outputs: C(3..4)", "outputs: [C4, C3]"), encoding="utf-8")

    lines = run(capsys, "before.yaml", "other.yaml")[0].splitlines()

    assert lines[:2] == ["before.yaml -> other.yaml", "~ order of outputs: C3, C4 -> C4, C3"]


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("before.yaml@wide", "before.yaml@wide"),
        ("before.yaml@channels=4", "before.yaml@channels=4"),
        ("before.yaml@wide,channels=4", "before.yaml@wide,channels=4"),
        ("bifpn@op=[act],channels=8", "bifpn@op=[act],channels=8"),
        ("a@b.yaml", "a@b.yaml"),
        ("a@b.yaml@wide", "a@b.yaml@wide"),
    ],
)
def test_a_side_chooses_its_preset_and_parameters(capsys: pytest.CaptureFixture[str], text: str, called: str) -> None:
    Path("a@b.yaml").write_text(BEFORE, encoding="utf-8")

    assert run(capsys, text, "before.yaml")[0].splitlines()[0] == f"{called} -> before.yaml"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["before.yaml@wdie", "after.yaml"], 2, "there is no preset 'wdie'"),
        (["before.yaml@a,b", "after.yaml"], 2, "is not of the form GRAPH@PRESET or GRAPH@NAME=VALUE,..."),
        (["before.yaml@", "after.yaml"], 2, "is not of the form GRAPH@PRESET"),
        (["before.yaml"], 2, "AFTER"),
        (["-", "-"], 2, "standard input can be read once"),
        (["none.yaml", "after.yaml"], 2, "No such file"),
        (["before.yaml", "after.yaml", "--in-channels", "8"], 2, "--in-channels has 1 numbers"),
        (["before.yaml", "after.yaml", "--image-size", "64"], 2, "--image-size needs the channels"),
        (["before.yaml", "after.yaml", "-o", "x.jpg"], 2, "the ending '.jpg', which says no format"),
        (["before.yaml", "after.yaml", "-o", "after.svg"], 2, "exists already"),
        (["before.yaml", "after.yaml", "-o", "no/x.svg"], 2, "no such folder"),
    ],
)
def test_what_is_asked_wrongly_says_why(
    capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, said: str
) -> None:
    Path("after.svg").write_text("old", encoding="utf-8")

    out, err = run(capsys, *arguments, status=status)

    assert said in err
    assert out == ""
    assert Path("after.svg").read_text(encoding="utf-8") == "old"


def test_a_picture_marks_what_is_new_gone_and_changed(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "after.yaml", "before.yaml", "-o", "x.svg")

    root = ET.fromstring(Path("x.svg").read_text(encoding="utf-8"))
    marked = {
        node.attrib["data-node"]: node.attrib["data-change"]
        for node in root.iter("{http://www.w3.org/2000/svg}g")
        if "data-node" in node.attrib and "data-change" in node.attrib
    }
    assert out.endswith("wrote x.svg\n")
    assert marked == {
        "mix.0.a3": "changed", "mix.0.a4": "changed", "mix.1.a3": "changed", "mix.1.a4": "changed",
        "mix.0.side4": "gone", "mix.1.side4": "gone",
    }  # fmt: skip


def test_what_a_picture_warns_of_is_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.yaml").write_text(AFTER.replace("name: small", "name: 小"), encoding="utf-8")

    _, err = run(capsys, "before.yaml", "other.yaml", "-o", "x.png")

    assert err == "fpngraph diff: warning: the font has no '小'; an SVG takes them from the reader's fonts\n"


def test_json_stays_json_beside_a_picture(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "before.yaml", "after.yaml", "-o", "x.html", "--format", "json")

    json.loads(out)
    assert err == "wrote x.html\n"


def test_graphs_that_would_be_a_cycle_together_have_no_picture(capsys: pytest.CaptureFixture[str]) -> None:
    head = "fpngraph: 1\nname: x\ninputs: C3\noutputs: {a: a3, b: b3}\nnodes:\n"
    Path("one.yaml").write_text(f"{head}  a3: {{inputs: [C3]}}\n  b3: {{inputs: [C3, a3]}}\n", encoding="utf-8")
    Path("two.yaml").write_text(f"{head}  a3: {{inputs: [C3, b3]}}\n  b3: {{inputs: [C3]}}\n", encoding="utf-8")

    out, err = run(capsys, "one.yaml", "two.yaml", "-o", "x.svg", status=2)

    assert "- edge from a3" in out
    assert err.startswith("fpngraph diff: both graphs in one picture would have a cycle: ")
    assert not Path("x.svg").exists()


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="a shell that substitutes processes")
def test_two_versions_of_a_file_come_through_pipes() -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(fpngraph.__file__).parent.parent), "NO_COLOR": "1"}
    command = f"{sys.executable} -m fpngraph diff <(cat before.yaml) after.yaml"

    found = subprocess.run(["/bin/bash", "-c", command], env=environment, capture_output=True, text=True, check=True)

    assert found.stdout.splitlines()[1:] == TEXT.splitlines()[1:]
