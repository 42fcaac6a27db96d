"""What effdet calls its cells, and files that have cells of their own, become graphs that load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fpngraph
from fpngraph.errors import GraphError
from fpngraph.importers.effdet.config import NAMES
from fpngraph.importers.effdet.convert import convert

CELL = """
nodes:
  - {feat_level: 4, inputs_offsets: [1, 2], weight_method: attn}
  - {feat_level: 3, inputs_offsets: [0, 3], weight_method: attn}
  - {feat_level: 4, inputs_offsets: [1, 3, 4], weight_method: attn}
  - {feat_level: 5, inputs_offsets: [5], weight_method: sum}
"""
MODEL = f"""
name: mine
image_size: [640, 640]
min_level: 3
max_level: 5
num_levels: 3
backbone_indices: [2]
fpn_channels: 88
fpn_cell_repeats: 4
act_type: relu6
pad_type: same
redundant_bias: true
downsample_type: avg
fpn_config:{CELL.replace(chr(10), chr(10) + "  ")}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(text: str, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return written


def test_a_cell_alone_is_sweeps_of_families_over_the_levels_of_its_nodes(write: Any) -> None:
    graph = convert(write(CELL)).graph

    assert graph == {
        "fpngraph": 1,
        "name": "mine",
        "description": "A neck of effdet with cells of a configuration's own.",
        "source": "https://github.com/rwightman/efficientdet-pytorch",
        "inputs": "P(3..5)",
        "defaults": {
            "channels": 64,
            "fusion": "softmax",
            "resample": {"down": "max_pool", "up": "nearest", "project": {"norm": True}},
            "op": ["act", "separable_conv", "norm"],
            "norm": {"batch_norm": {"eps": 0.001, "momentum": 0.01}},
            "act": "swish",
            "padding": "symmetric",
            "init": "effdet",
        },
        "stages": {
            "cell": {
                "repeat": 3,
                "nodes": {
                    "a(3..4)": {"inputs": ["P(l)", "a(l+1) | P(l+1)"]},
                    "b4": {"inputs": ["P4", "a4", "a3"]},
                    "b5": {"inputs": ["b4 | none"], "fusion": "sum"},
                },
                "outputs": {"P(3..5)": "b(l) | a(l)"},
            }
        },
        "outputs": "P(3..5)",
    }


def test_a_configuration_says_how_its_neck_is_made(write: Any) -> None:
    graph = convert(write(MODEL)).graph

    assert graph["inputs"] == "P(3..3)"
    assert graph["stages"]["coarse"]["nodes"] == {"P(4..5)": {"inputs": ["P(l-1)"], "fusion": "sum", "op": "none"}}
    assert graph["stages"]["cell"]["repeat"] == 4
    assert graph["defaults"] == {
        "channels": 88,
        "fusion": "softmax",
        "resample": {"down": "avg_pool", "up": "nearest", "project": {"norm": True, "bias": True}},
        "op": ["act", {"separable_conv": {"bias": True}}, "norm"],
        "norm": {"batch_norm": {"eps": 0.001, "momentum": 0.01}},
        "act": "relu6",
        "padding": "same",
        "init": "effdet",
    }


def test_a_file_of_json_says_the_same(write: Any) -> None:
    nodes = '{"nodes": [{"feat_level": 3, "inputs_offsets": [0], "weight_method": "fastattn"}]}'

    graph = convert(write(nodes, "mine.json")).graph

    assert graph["stages"]["cell"]["nodes"] == {"a3": {"inputs": ["P3"]}}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_effdets_is_the_graph_that_comes_with_the_package(name: str) -> None:
    shipped, _, method = name.partition("_")
    fusion = {"sum": "sum", "attn": "softmax", "fa": "fast_normalized"}[method]
    expected = fpngraph.load({"pan": "pan_effdet"}.get(shipped, shipped), fusion=fusion)

    graph = fpngraph.loads(convert(name).graph)

    assert [edges(node) for node in graph.nodes.values()] == [edges(node) for node in expected.nodes.values()]


def edges(node: Any) -> tuple[object, ...]:
    """What a node reads and how it joins it, with the runs of a cell called alike in both."""
    renamed = (edge.source.replace("bifpn.", "cell.").replace("qufpn.", "cell.") for edge in node.edges)
    return node.level, node.run, node.fusion.name, [it.replace("pan.", "cell.") for it in renamed]


def test_a_configuration_without_nodes_has_the_cell_that_it_names(write: Any) -> None:
    named = convert(write("max_level: 8\nfpn_name: qufpn_sum\n")).graph
    unnamed = convert(write("fpn_name: null\n")).graph

    assert named["description"] == "A neck of effdet with its cells 'qufpn_sum'."
    assert named["stages"]["cell"]["outputs"] == {"P(3..8)": "q(l)"}
    assert unnamed["description"] == "A neck of effdet with its cells 'bifpn_fa'."


def test_a_sweep_that_starts_anew_or_turns_has_a_letter_of_its_own(write: Any) -> None:
    levels = [3, 5, 4, 4, 3, 4, 5]
    node = "  - {{feat_level: {}, inputs_offsets: [{}], weight_method: fastattn}}\n"
    text = "nodes:\n" + "".join(node.format(level, 2 + number) for number, level in enumerate(levels))

    nodes = convert(write(text)).graph["stages"]["cell"]["nodes"]

    assert list(nodes) == ["a3", "a5", "b4", "c(3..4)", "d(4..5)"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[1, 2]", "[1, 9]", "3:37: node 0 reads 9, but has only 0 to 2 before it"),
        ("[1, 3, 4]", "[1, 1]", "5:37: node 2 reads 1 twice"),
        ("[0, 3]", "[]", "4:37: 'inputs_offsets' is an empty list, but must be a list with at least one entry"),
        ("[0, 3]", "[-1]", "4:38: an entry of 'inputs_offsets' is -1, but must be at least 0"),
        ("sum", "mean", "6:57: 'weight_method' is 'mean', but must be 'sum', 'attn' or 'fastattn'"),
        ("feat_level: 5, ", "", "6:5: the key 'feat_level' is missing in an entry of 'nodes'"),
        ("4, inputs_offsets: [1, 3", "3, inputs_offsets: [1, 3", "3:5: the last nodes are of the levels 3, 3, 5, but"),
    ],
)
def test_a_cell_that_cannot_be_is_told_with_its_place(old: str, new: str, message: str, write: Any) -> None:
    path = write(CELL.replace(old, new, 1))

    with pytest.raises(GraphError) as caught:
        convert(path)

    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}:")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("num_levels: 4\n", "'num_levels' is 4, but there are 5 from 3 to 7", "leave it out"),
        ("max_level: 2\n", "'max_level' is 2, below 'min_level', 3", None),
        (
            "norm_layer: group\n",
            "there is no rule for a 'norm_layer' of 'group'",
            "leave it out, and write 'norm' into the converted graph",
        ),
        ("fpn_chanels: 8\n", "unknown key 'fpn_chanels'", "did you mean 'fpn_channels'?"),
        (
            "max_level: 4\nfpn_config: {nodes: [{feat_level: 5, inputs_offsets: [1], weight_method: sum}]}\n",
            "node 0 is of level 5, coarser than the inputs",
            "the coarsest level is 4, 'max_level'",
        ),
    ],
    ids=["num_levels", "max_level", "norm_layer", "misspelt", "too coarse"],
)
def test_a_configuration_that_cannot_be_is_told(text: str, message: str, hint: str | None, write: Any) -> None:
    with pytest.raises(GraphError) as caught:
        convert(write(text))

    assert (message, hint) in [(problem.message, problem.hint) for problem in caught.value.problems]


def test_an_activation_that_there_is_not_is_told_with_those_that_there_are(write: Any) -> None:
    with pytest.raises(GraphError) as caught:
        convert(write("act_type: swosh\n"))

    assert caught.value.problems[0].message == "'act_type' is 'swosh', for which there is no activation"
    assert str(caught.value.problems[0].hint).startswith("did you mean 'swish'?")


def test_all_nodes_that_cannot_be_are_told_at_once(write: Any) -> None:
    with pytest.raises(GraphError) as caught:
        convert(write(CELL.replace("[1, 2]", "[1, 3]").replace("[5]", "[7]")))

    assert [problem.line for problem in caught.value.problems] == [3, 6]


def test_what_is_wrong_is_told_in_the_order_of_the_file(write: Any) -> None:
    text = "nodes:\n  - {feat_level: 3, inputs_ofsets: [0], weight_method: fastatn}\n"

    with pytest.raises(GraphError) as caught:
        convert(write(text))

    assert [problem.column for problem in caught.value.problems] == [21, 56]


def test_the_command_writes_the_graph_and_the_table_beside_it(write: Any, run: Any, tmp_path: Path) -> None:
    output = tmp_path / "neck.yaml"

    done = run("convert", "effdet", str(write(MODEL)), "-o", str(output))

    assert (done.code, done.out) == (0, f"wrote {output}\nwrote {tmp_path / 'neck.weights.yaml'}\n")
    assert list(fpngraph.load(output).outputs) == ["P3", "P4", "P5"]


def test_a_name_that_there_is_not_is_told_with_others(run: Any) -> None:
    done = run("convert", "effdet", "bifpn_fo")

    assert done.code == 2
    assert "effdet has no cell 'bifpn_fo', and there is no such file" in done.err
    assert "did you mean 'bifpn_fa'?" in done.err


def test_a_scale_is_for_model_files(run: Any) -> None:
    done = run("convert", "effdet", "bifpn_fa", "--scale", "n")

    assert (done.code, done.err) == (2, "fpngraph convert: --scale is for model files of ultralytics\n")
