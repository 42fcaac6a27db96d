"""What the language server tells of the word under the cursor."""

from __future__ import annotations

from pathlib import Path

import pytest

from fpngraph.analysis.costs import cost
from fpngraph.library import load, loads, shipped
from tests.editor.session import CURSOR, Editor

GRAPH = """\
fpngraph: 1
name: told
params: {width: 64, act: silu}
presets: {small: {width: 8}}
inputs: C(3..5)
defaults: {channels: $width, act: $act}
nodes:
  P(3..5): {inputs: [C(l), P(l+1) | none]}
  Q6: {inputs: [P5], op: [{conv: {kernel: 3}}, norm, act]}
outputs: [P(3..5), Q6]
"""
TIMES = "\N{MULTIPLICATION SIGN}"


def marked(word: str, inside: str) -> str:
    """The graph with the cursor at the beginning of ``word``, which stands in ``inside``."""
    assert GRAPH.count(inside) == 1
    return GRAPH.replace(inside, inside.replace(word, f"{CURSOR}{word}", 1))


def test_of_a_declared_family_every_node_with_what_it_reads_gives_and_costs(editor: Editor) -> None:
    told = editor.hover(marked("P(", "  P(3..5):")) or ""

    costs = cost(loads(GRAPH), [512, 1024, 2048], 640)
    assert told.splitlines()[0] == "**P(3..5)**"
    assert told.count("| `P") == 3
    assert (
        f"| `P4` | `C4`, `P5` | sum | none | 4 | 64{TIMES}40{TIMES}40 "
        f"| {costs.nodes['P4'].parameters:,} | {costs.nodes['P4'].macs:,} |"
    ) in told
    assert told.endswith(f"For inputs of C3 512, C4 1024, C5 2048 channels and an image of 640{TIMES}640")


def test_channels_and_image_may_be_said_when_the_server_starts(tmp_path: Path) -> None:
    editor = Editor("--in-channels", "8,16,32", "--image-size", "64x128", folder=tmp_path)

    told = editor.hover(marked("Q6", "  Q6:")) or ""
    editor.end()

    costs = cost(loads(GRAPH), [8, 16, 32], (64, 128))
    assert f"64{TIMES}1{TIMES}2 | {costs.nodes['Q6'].parameters:,} | {costs.nodes['Q6'].macs:,} |" in told
    assert told.endswith(f"For inputs of C3 8, C4 16, C5 32 channels and an image of 64{TIMES}128")


def test_of_a_reference_what_each_node_reads_by_it_and_how_it_is_brought(editor: Editor) -> None:
    told = editor.hover(marked("P(l+1)", "C(l), P(l+1)")) or ""

    assert f"| `P4` | `P5` | 64{TIMES}20{TIMES}20 | nearest*2 |" in told
    assert "| `P5` | `" not in told


def test_of_an_input_the_level(editor: Editor) -> None:
    assert "| `C4` | 4 | 16 |" in (editor.hover(marked("C(", "inputs: C(3..5)")) or "")


def test_of_a_parameter_its_default_and_what_presets_say(editor: Editor) -> None:
    for told in (
        editor.hover(marked("width", "channels: $width")),
        editor.hover(marked("width", "params: {width")),
        editor.hover(marked("width", "small: {width")),
    ):
        assert told == "**width**, a parameter\n\n|  | value |\n|---|---|\n| default | `64` |\n| `small` | `8` |"


@pytest.mark.parametrize(
    ("word", "inside", "start"),
    [
        pytest.param("conv", "{conv: {", "**conv** (layer): Convolution of stride 1", id="operator with settings"),
        pytest.param("silu", "act: silu", "**silu** (act): ``x * sigmoid(x)``", id="operator in a parameter"),
        pytest.param("kernel", "kernel: 3", "**kernel**: ", id="setting"),
        pytest.param("op", ", op: [", "**op**: layers after the fusion, in order, or none", id="key of a node"),
        pytest.param("norm", "norm, act]", "", id="word of a list"),
    ],
)
def test_of_what_the_language_has_its_meaning(word: str, inside: str, start: str, editor: Editor) -> None:
    assert (editor.hover(marked(word, inside)) or "").startswith(start)


def test_of_the_name_of_a_graph_what_it_says_of_itself(editor: Editor) -> None:
    text = "fpngraph: 1\nname: using\ninputs: P(3..5)\nstages:\n  neck: {use: ¦bifpn}\noutputs: P(3..7)\n"

    told = editor.hover(text) or ""

    graph = load("bifpn")
    assert told.startswith(f"**BiFPN**: {graph.description}")
    assert "presets: `d0`, `d1`" in told


def test_of_a_parameter_of_any_value_the_value_is_told(editor: Editor) -> None:
    text = GRAPH.replace("act: silu}", "act: silu, odd: {1.5: [a | b, true], true: ~, ? .nan : 'yes'}}", 1)

    told = editor.hover(text.replace("odd", f"{CURSOR}odd")) or ""

    assert '| default | `{1.5: [a \\| b, true], true: null, .nan: "yes"}` |' in told


def test_of_a_stage_its_runs_nodes_costs_and_what_it_binds(editor: Editor) -> None:
    text = shipped()["bifpn"].read_text(encoding="utf-8")

    told = editor.hover(text.replace("\n  bifpn:", f"\n  {CURSOR}bifpn:")) or ""

    costs = cost(load("bifpn"), [512, 1024, 2048], 640)
    nodes = [found for name, found in costs.nodes.items() if name.startswith("bifpn.")]
    parameters, macs = (sum(getattr(it, key) or 0 for it in nodes) for key in ("parameters", "macs"))
    lines = told.splitlines()
    assert lines[0] == f"**bifpn**, a stage, 3 runs, {len(nodes)} nodes, {parameters:,} parameters, {macs:,} MACs"
    assert lines[2] == "- `P3` is then `td3`"
    assert "- `P7` is then `out7`" in lines


def test_while_a_line_is_half_written_the_last_graph_is_told_of(editor: Editor) -> None:
    editor.show(f"{GRAPH}{CURSOR}")

    told = editor.hover(f"{marked('P(', '  P(3..5):')}broken: [")

    assert told is not None
    assert "| `P4` | `C4`, `P5` |" in told


def test_of_a_file_that_was_never_right_nothing_is_made_up(editor: Editor) -> None:
    uri = "untitled:wrong"

    told = editor.hover(f"{marked('P(', '  P(3..5):')}broken: [", uri)

    assert told == "**P(3..5)**: what it is in the end is known once the file has no errors"
    assert editor.hover(f"{CURSOR}\n{GRAPH}", uri) is None
    editor.close(uri)


def test_where_the_channels_do_not_fit_it_says_so(tmp_path: Path) -> None:
    text = GRAPH.replace("kernel: 3", "kernel: 3, groups: 3").replace("{inputs: [P5],", "{inputs: [C5],")
    editor = Editor("--in-channels", "8,16,32", folder=tmp_path)

    told = editor.hover(text.replace("  Q6:", f"  {CURSOR}Q6:").replace("channels: $width", "fusion: sum")) or ""
    editor.end()

    assert "No shapes: with inputs of C3 8, C4 16, C5 32 channels, " in told
