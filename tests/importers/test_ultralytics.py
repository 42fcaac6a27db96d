"""Model files as Ultralytics writes them become graphs, with a table of what their weights are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import fpngraph
from fpngraph.errors import GraphError
from fpngraph.importers.ultralytics.convert import convert
from fpngraph.importers.ultralytics.rows import read_model
from fpngraph.weights.state import StateError

BACKBONE = """
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, ADown, [64]]
  - [-1, 3, C2f, [64, True]]
  - [-1, 1, Conv, [128, 3, 2]]
  - [-1, 1, HGBlock, [32, 128, 3]]
  - [-1, 1, Conv, [256, 3, 2]]
  - [-1, 1, SPPF, [256, 5]]
"""
HEAD = """
head:
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [[-1, 5], 1, Concat, [1]]
  - [-1, 3, C2f, [128]]
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [[-1, 3], 1, Concat, [1]]
  - [-1, 3, C2f, [64]]
  - [-1, 1, Conv, [64, 3, 2]]
  - [[-1, 10], 1, Concat, [1]]
  - [-1, 3, C2f, [128]]
  - [-1, 1, Conv, [128, 3, 2]]
  - [[-1, 7], 1, Concat, [1]]
  - [-1, 3, C2f, [256]]
  - [[13, 16, 19], 1, Detect, [nc]]
"""
SCALES = "scales: {n: [0.34, 0.25, 1024], l: [1.0, 1.0, 200]}\n"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(head: str = HEAD, *, scales: str = SCALES, backbone: str = BACKBONE) -> Path:
        path = tmp_path / "model.yaml"
        path.write_text(scales + backbone + head)
        return path

    return written


def test_a_neck_is_families_of_nodes(write: Any) -> None:
    assert convert(write(), "l").graph == {
        "fpngraph": 1,
        "name": "model",
        "description": "The neck of a model file of Ultralytics, scale l.",
        "inputs": {"C3": 3, "C4": 4, "C5": 5},
        "defaults": {
            "channels": {3: 64, 4: 128, 5: 200},
            "fusion": "concat",
            "resample": {"down": [{"strided_conv": {"kernel": 3}}, "norm", "act"], "up": "nearest"},
            "op": [{"c2f": {"blocks": 3, "shortcut": False}}],
            "norm": {"batch_norm": {"eps": 0.001, "momentum": 0.03}},
            "act": "silu",
        },
        "nodes": {
            "T(3..4)": {"inputs": ["T(l+1) | C(l+1)", "C(l)"]},
            "N(4..5)": {"inputs": ["N(l-1) | T(l-1)", "T(l) | C(l)"]},
        },
        "outputs": {"P3": "T3", "P4": "N4", "P5": "N5"},
    }


def test_the_first_scale_is_the_default_and_sets_widths_and_numbers_of_blocks(write: Any) -> None:
    defaults = convert(write()).graph["defaults"]

    assert defaults["channels"] == {3: 16, 4: 32, 5: 64}
    assert defaults["op"] == [{"c2f": {"blocks": 1, "shortcut": False}}]


def test_levels_and_channels_of_the_backbone_follow_from_its_rows(write: Any) -> None:
    rows = read_model(write(), "l").rows[:8]

    assert [row.level for row in rows] == [1, 2, 3, 3, 4, 4, 5, 5]
    assert [row.channels for row in rows] == [16, 32, 64, 64, 128, 128, 200, 200]


def test_a_file_without_scales_says_its_depth_and_width(write: Any) -> None:
    graph = convert(write(scales="depth_multiple: 0.34\nwidth_multiple: 0.5\n")).graph

    assert graph["defaults"]["channels"] == {3: 32, 4: 64, 5: 128}
    assert graph["description"] == "The neck of a model file of Ultralytics."


def test_the_table_names_each_module_by_its_row(write: Any) -> None:
    names = convert(write()).names

    assert list(names) == [
        {"ours": "T4.op.c2f", "theirs": "model.10", "as": "c2f"},
        {"ours": "T3.op.c2f", "theirs": "model.13", "as": "c2f"},
        {"ours": "N4.edges.T3.strided_conv", "theirs": "model.14.conv"},
        {"ours": "N4.edges.T3.norm", "theirs": "model.14.bn"},
        {"ours": "N4.op.c2f", "theirs": "model.16", "as": "c2f"},
        {"ours": "N5.edges.N4.strided_conv", "theirs": "model.17.conv"},
        {"ours": "N5.edges.N4.norm", "theirs": "model.17.bn"},
        {"ours": "N5.op.c2f", "theirs": "model.19", "as": "c2f"},
    ]


LATERAL = """
head:
  - [-1, 1, Conv, [64, 1, 1]]
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [[-1, 5], 1, Concat, [1]]
  - [-1, 1, C3, [128, False]]
  - [-1, 1, Conv, [32, 1, 1, None, 1, 1, False]]
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [[-1, 3], 1, Concat, [1]]
  - [-1, 2, Conv, [64, 3, 1]]
  - [[15, 12, 8], 1, Detect, [nc]]
"""


def test_rows_that_others_read_too_and_rows_of_other_channels_are_nodes_of_their_own(write: Any) -> None:
    graph = convert(write(LATERAL, scales="")).graph

    conv = [{"conv": {"kernel": 3}}, "norm", "act"]
    assert graph["nodes"] == {
        "R5": {"inputs": ["C5"], "channels": 64, "op": [{"conv": {"kernel": 1}}, "norm", "act"]},
        "T4": {"inputs": ["R5", "C4"]},
        "R4": {"inputs": ["T4"], "channels": 32, "op": [{"conv": {"kernel": 1}}, "norm"]},
        "T3": {"inputs": ["R4", "C3"], "op": [*conv, *conv]},
    }
    assert graph["defaults"]["op"] == [{"c3": {"blocks": 1, "shortcut": False}}]
    assert graph["outputs"] == {"P3": "T3", "P4": "R4", "P5": "R5"}


def test_a_converted_graph_loads_builds_and_runs(write: Any) -> None:
    neck = fpngraph.build(fpngraph.loads(convert(write()).graph), {"C3": 16, "C4": 32, "C5": 64})

    outputs = neck([torch.randn(1, 16 << k, 32 >> k, 48 >> k) for k in range(3)])

    assert [tuple(x.shape) for x in outputs] == [(1, 16, 32, 48), (1, 32, 16, 24), (1, 64, 8, 12)]


@pytest.mark.parametrize(
    ("row", "layers"),
    [
        ("1, C3k2, [128, True, 0.5, True]", [{"c2f": {"blocks": 1, "shortcut": True, "block": "attention"}}]),
        (
            "2, C3k2, [128, True, 0.25, True]",
            [{"c2f": {"blocks": 2, "shortcut": True, "block": "attention", "expand": 0.25}}],
        ),
        ("1, RepNCSPELAN4, [128, 128, 64, 2]", [{"rep_elan": {"blocks": 2}}]),
        ("1, RepNCSPELAN4, [128, 256, 128]", [{"rep_elan": {"blocks": 1, "expand": 2.0}}]),
        (
            "2, A2C2f, [128, False, -1, False, 2.0, 0.25, 1, False]",
            [{"a2c2f": {"blocks": 2, "shortcut": False, "expand": 0.25}}],
        ),
        (
            "1, SPP, [128, [3, 5]]",
            [
                *({"conv": {"kernel": 1, "channels": 164}}, "norm", "act"),
                *({"spp": {"kernel": 3, "times": 2}}, {"conv": {"kernel": 1}}, "norm", "act"),
            ],
        ),
    ],
)
def test_a_row_is_said_as_these_layers(row: str, layers: list[Any], write: Any) -> None:
    head = HEAD.replace("- [-1, 3, C2f, [128]]", f"- [-1, {row}]", 1)

    graph = convert(write(head), "l").graph

    assert graph["nodes"]["T4"]["op"] == layers


def test_a_mean_and_a_strided_convolution_are_an_edge_that_says_its_channels(write: Any) -> None:
    head = HEAD.replace("[-1, 1, Conv, [128, 3, 2]]", "[-1, 1, AConv, [96]]")

    found = convert(write(head), "l")

    assert found.graph["nodes"]["N5"]["inputs"][0] == {"from": "N4", "down": {"a_conv": {"channels": 96}}}
    assert {"ours": "N5.edges.N4.a_conv", "theirs": "model.17", "as": "a_conv"} in found.names


def test_a_file_with_a_scale_in_its_name_is_of_that_scale_as_ultralytics_reads_it(write: Any) -> None:
    path = write()
    named = path.rename(path.with_name("yolo11l-mine.yaml"))

    assert (read_model(named, None).scale, read_model(named, "n").scale) == ("l", "n")


@pytest.mark.parametrize(
    "row",
    ["1, nn.MaxPool2d, [2]", "1, nn.MaxPool2d, [2, None]", "2, nn.MaxPool2d, [3, 2, 1]", "2, Conv, [16, 3, 2]"],
)
def test_a_row_of_the_backbone_is_coarser_by_all_its_strides(row: str, write: Any) -> None:
    times = int(row[0])
    backbone = BACKBONE.replace("  - [-1, 1, Conv, [16, 3, 2]]\n", f"  - [-1, {row}]\n", 1)

    rows = read_model(write(scales="", backbone=backbone), None).rows

    assert [it.level for it in rows[:8]] == [times - 1 + level for level in (1, 2, 3, 3, 4, 4, 5, 5)]


def test_a_branch_of_the_backbone_that_adds_to_another_changes_neither_channels_nor_level(write: Any) -> None:
    fused = "  - [3, 1, CBLinear, [[64, 256]]]\n  - [[-1, -2], 1, CBFuse, [[1]]]\n"
    rows = read_model(write(backbone=BACKBONE.rstrip() + "\n" + fused), "l").rows

    assert [(row.module, row.level, row.channels) for row in rows[7:10]] == [
        ("SPPF", 5, 200),
        ("CBLinear", 3, 0),
        ("CBFuse", 5, 200),
    ]


@pytest.mark.parametrize(
    ("head", "message"),
    [
        pytest.param(
            HEAD.replace("- [-1, 3, C2f, [128]]", "- [-1, 3, C2fAttn, [128, 256, 8]]", 1),
            "row 10 is a 'C2fAttn', for which there are no layers here",
            id="no layers",
        ),
        pytest.param(
            HEAD.replace("- [-1, 3, C2f, [128]]", "- [-1, 3, Wonder, [128]]", 1),
            "row 10 is a 'Wonder', whose stride and channels are not known",
            id="unknown",
        ),
        pytest.param(
            HEAD.replace("[[-1, 5], 1,", "[[-1, 99], 1,"), "row 9 reads what does not come before it", id="later"
        ),
        pytest.param(HEAD.replace("[[-1, 5], 1,", "[[-1, -10], 1,"), "row 9 reads what does not come", id="image"),
        pytest.param(HEAD.replace("[[13, ", "[[99, "), "row 20 reads what does not come before it", id="head of later"),
        pytest.param(HEAD.replace("[-1, 3, C2f, [64]]", "[-1, x, C2f, [64]]"), "row 13 is there 'x' times", id="times"),
        pytest.param(HEAD.replace("[-1, 3, C2f, [64]]", "[-1, C2f]"), "row 13 is no list", id="no row"),
        pytest.param(
            HEAD.replace("[-1, 1, Conv, [64, 3, 2]]", "[-1, 1, Conv, [64, 3, 3]]"),
            "row 14 has the stride 3, which is no power of two",
            id="stride",
        ),
        pytest.param(
            HEAD.replace("[-1, 1, Conv, [64, 3, 2]]", "[-1, 1, Conv, [64, 3, 2, 0]]"),
            "row 14 is a convolution with a padding, stride or activation of its own",
            id="padding",
        ),
        pytest.param(
            HEAD.replace("- [-1, 3, C2f, [128]]", "- [-1, 1, SPP, [128, [5, 9, 11]]]", 1),
            "row 10 pools windows of [5, 9, 11], where each is as much wider than the one before it",
            id="windows",
        ),
        pytest.param(
            HEAD.replace("- [-1, 3, C2f, [128]]", "- [-1, 1, RepNCSPELAN4, [128, 128, 32]]", 1),
            "row 10 has 128 and 32 inner channels, of which the latter are not half of the former",
            id="inner channels",
        ),
        pytest.param(
            HEAD.replace("[-1, 1, Conv, [64, 3, 2]]", "[-1, 1, Conv, [64, 4, 2]]"),
            "row 14 is a convolution with a padding, stride or activation of its own",
            id="padding of an even kernel",
        ),
        pytest.param(
            HEAD.replace("- [-1, 3, C2f, [128]]", "- [-1, 1, A2C2f, [128, False, -1, False, 2.0, 0.5, 4]]", 1),
            "row 10 has convolutions with groups",
            id="groups",
        ),
        pytest.param(
            HEAD.replace("nearest", "bilinear, True", 1),
            "row 8 interpolates with [True], where the mode is the last that is known",
            id="corners",
        ),
        pytest.param(
            HEAD.replace("Concat, [1]", "Concat, [2]", 1),
            "row 9 joins maps along the dimension 2, where 1 is that of channels",
            id="another dimension",
        ),
        pytest.param(
            HEAD.replace("[-1, 1, Conv, [64, 3, 2]]", "[-1, 1, Conv, [64, 3, 2, None, 1, 2]]"),
            "row 14 is a convolution with the stride 2 and the dilation 2, which none here has together",
            id="dilation",
        ),
        pytest.param(
            HEAD.replace("- [-1, 3, C2f, [128]]", "- [-1, 1, RepNCSPELAN4, [128]]", 1),
            "row 10 is a 'RepNCSPELAN4' with the arguments [128], which it does not take",
            id="too few arguments",
        ),
        pytest.param(HEAD.replace("nearest", "bicubic", 1), "row 8 interpolates by 'bicubic'", id="mode"),
        pytest.param(
            HEAD.replace("- [-1, 3, C2f, [128]]", "- [-1, 3, C2f, []]", 1),
            "row 10 is 'C2f' with the arguments [], which it does not take",
            id="no arguments",
        ),
        pytest.param(
            HEAD.replace("- [-1, 3, C2f, [128]]", "- [-1, 3, C2f, [wide]]", 1),
            "row 10 is 'C2f' with the arguments ['wide'], which it does not take",
            id="arguments of another kind",
        ),
        pytest.param(
            HEAD.replace("[-1, 1, Conv, [64, 3, 2]]", "[-1, 1, Conv, [64, wide, 2]]"),
            "row 14 is a 'Conv' with the arguments [64, 'wide', 2], which it does not take",
            id="a kernel of another kind",
        ),
        pytest.param(
            f"activation: nn.GELU()\n{HEAD}", "there is no rule for 'nn.GELU()'", id="activation without a rule"
        ),
        pytest.param("head:\n  - [-1, 1, Classify, [nc]]\n", "the file has no neck", id="no neck"),
        pytest.param(
            HEAD.replace("[[13, 16, 19], 1", "[[13, 16, 16], 1"), "the head reads two maps of one level", id="twice"
        ),
        pytest.param(
            HEAD.replace("[[-1, 5], 1, Concat", "[[-1, 4], 1, Concat").replace("[[-1, 10], 1", "[[-1, 5], 1"),
            "the neck reads rows 4 and 5, both of level 4, of the backbone",
            id="two of a level",
        ),
    ],
)
def test_what_cannot_be_converted_is_told_with_the_place_of_its_row(head: str, message: str, write: Any) -> None:
    path = write(head)

    with pytest.raises(GraphError) as caught:
        convert(path, "l")

    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}:")


def test_all_rows_without_layers_are_told_at_once(write: Any) -> None:
    path = write(HEAD.replace("C2f, [128]", "C3TR, [128]"))

    with pytest.raises(GraphError) as caught:
        convert(path, "l")

    assert [problem.message for problem in caught.value.problems] == [
        f"row {number} is a 'C3TR', for which there are no layers here" for number in (10, 16)
    ]


def test_a_scale_that_the_file_does_not_have_is_told_with_those_it_has(write: Any) -> None:
    with pytest.raises(GraphError) as caught:
        convert(write(), "q")

    assert caught.value.problems[0].message == "there is no scale 'q'"
    assert caught.value.problems[0].hint == "there are: n, l"


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ("scales: {n: [0.34, wide]}\n", "scale 'n' is [0.34, 'wide'], not depth, width and the most channels"),
        ("scales: {n: 3}\n", "scale 'n' is 3, not depth, width and the most channels"),
        ("scales: [n]\n", "'scales' is ['n'], not names with numbers"),
        ("width_multiple: wide\n", "the multiples are [1.0, 'wide'], not depth, width and the most channels"),
    ],
)
def test_scales_that_are_no_numbers_are_told(scales: str, message: str, write: Any) -> None:
    with pytest.raises(GraphError) as caught:
        convert(write(scales=scales))

    assert caught.value.problems[0].message == message


@pytest.mark.parametrize("text", ["a: 1\n", "backbone: 3\nhead: []\n"], ids=["others", "no lists"])
def test_another_file_is_no_model_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(text)

    with pytest.raises(GraphError, match="a model file has a list 'backbone'"):
        convert(path)


def test_the_command_writes_the_graph_and_the_table_beside_it(write: Any, run: Any, tmp_path: Path) -> None:
    output = tmp_path / "mine.yaml"

    done = run("convert", "ultralytics", str(write()), "--scale", "n", "-o", str(output))

    table = tmp_path / "mine.weights.yaml"
    assert (done.code, done.out) == (0, f"wrote {output}\nwrote {table}\n")
    assert fpngraph.load(output).name == "model"
    neck = fpngraph.build(fpngraph.load(output), [16, 32, 64])
    with pytest.raises(StateError, match="missing"):
        fpngraph.load_from(neck, {}, "ultralytics", table=table)


def test_the_command_writes_over_neither_file(write: Any, run: Any, tmp_path: Path) -> None:
    output, table = tmp_path / "mine.yaml", tmp_path / "mine.weights.yaml"
    table.write_text("mine")

    done = run("convert", "ultralytics", str(write()), "-o", str(output))

    assert done.code == 2
    assert f"{str(table)!r} exists already" in done.err
    assert (output.exists(), table.read_text()) == (False, "mine")


def test_the_exact_neck_of_a_model_is_a_file_to_edit(run: Any, tmp_path: Path) -> None:
    output = tmp_path / "d0.yaml"

    done = run("convert", "model", "tf_efficientdet_d0", "-o", str(output))

    assert done.code == 0
    assert fpngraph.load(output) == fpngraph.efficientdet.config("tf_efficientdet_d0").load_graph()


def test_a_model_that_there_is_not_is_told_with_others(run: Any) -> None:
    done = run("convert", "model", "tf_efficientdet_d9")

    assert done.code == 2
    assert "tf_efficientdet_d9" in done.err
    assert "hint: did you mean" in done.err


def test_a_scale_is_for_model_files(run: Any) -> None:
    done = run("convert", "model", "tf_efficientdet_d0", "--scale", "n")

    assert (done.code, done.err) == (2, "fpngraph convert: --scale is for model files of ultralytics\n")
