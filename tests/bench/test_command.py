"""The command ``bench``: a row per form, numbers that can be checked, and mistakes told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import fpngraph
from fpngraph.cli.main import main

QUICK = ["-p", "channels=8", "-p", "repeats=1", "--in-channels", "4,6,8", "--image-size", "128x192", "--rounds", "2"]


def benched(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["bench", *arguments, "--format", "json"]) == 0
    found: Any = json.loads(capsys.readouterr().out)
    return found


def test_every_form_has_its_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    report = benched(capsys, "bifpn", *QUICK, "--forms", "eager, fused,eager", "--threads", "1", "--batch-size", "2")

    eager, fused = report["forms"]
    assert [eager["form"], fused["form"]] == ["eager", "fused"]
    assert eager["ratio"] == 1
    assert fused["operators"] < eager["operators"]
    assert 0 < fused["peak_bytes"] < eager["peak_bytes"]
    for form in report["forms"]:
        times = form["milliseconds"]
        assert 0 < times["least"] <= times["median"]
        assert form["of_floor"] == pytest.approx(times["median"] / report["floor_milliseconds"]["median"])
    assert (report["batch"], report["image_size"], report["threads"]) == (2, [128, 192], 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["bifpn"], id="as it comes"),
        pytest.param(["qufpn", "-p", "padding=same", "-p", "fusion=sum"], id="another topology"),
        pytest.param(
            ["pan_effdet", "-p", "op=[act, {conv: {bias: true}}, norm]", "-p", "project={norm: true, bias: true}"],
            id="full convolutions",
        ),
        pytest.param(
            ["bifpn", "-p", "op=[separable_conv, norm, act]", "-p", "act=relu6", "-p", "down=avg_pool"], id="act last"
        ),
    ],
)
def test_effdets_neck_of_the_same_weights_comes_first(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    report = benched(capsys, *arguments, *QUICK, "--forms", "eager", "--against", "effdet")

    effdet, eager = report["forms"]
    assert (effdet["form"], effdet["ratio"], eager["form"]) == ("effdet", 1, "eager")
    assert effdet["operators"] > eager["operators"]


@pytest.mark.slow
def test_a_whole_detector_has_its_forms_beside_effdets_of_the_same_weights(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--image-size", "128", "--rounds", "2", "--forms", "eager,fused,sized", "--against", "effdet"]
    report = benched(capsys, "--model", "tf_efficientdet_d0", *options)

    effdet, eager, fused, sized = report["forms"]
    assert (effdet["form"], effdet["ratio"]) == ("effdet", 1)
    assert fused["operators"] == sized["operators"] < eager["operators"] < effdet["operators"]
    assert (report["graph"], report["parameters"]) == ("tf_efficientdet_d0", 3_880_067)


def test_the_table_says_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "bifpn", *QUICK, "--forms", "eager"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "BiFPN, 1 x 128x192, float32; channels P3 4, P4 6, P5 8"
    assert lines[2].split() == [
        "form",
        "ms",
        "quartiles",
        "of",
        "eager",
        "of",
        "floor",
        "memory",
        "MiB",
        "operators",
    ]
    assert lines[4].startswith("eager ")
    assert lines[5].startswith("1,411 parameters, ")


def test_several_graphs_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    quick = ["--in-channels", "4,6,8", "-p", "channels=8", "--image-size", "128", "--rounds", "2", "--forms", "eager"]

    assert main(["bench", "bifpn", "retinanet_fpn", *quick]) == 0

    lines = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines[4:6]]
    assert lines[0] == "1 x 128x128, float32"
    assert [row[:2] for row in rows] == [["bifpn", "eager"], ["retinanet_fpn", "eager"]]
    assert lines[2].split()[:3] == ["graph", "form", "ms"]
    assert rows[0][6] == "1.00"
    costs = fpngraph.cost(fpngraph.load("retinanet_fpn", channels=8), [4, 6, 8], 128)
    assert rows[1][-2:] == [f"{costs.parameters:,}", f"{costs.macs:,}"]
    assert lines[6] == "bifpn: channels P3 4, P4 6, P5 8"


def test_reports_of_several_graphs_are_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    found = benched(capsys, "bifpn", "bifpn", *QUICK, "--forms", "eager")

    assert [report["graph"] for report in found] == ["BiFPN", "BiFPN"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["bifpn", "fpn", "--preset", "d9"],
            "fpngraph bench: bifpn: there is no preset 'd9' [unknown-preset]\n",
            id="preset of one of several",
        ),
        pytest.param(
            ["bifpn", "qufpn", "--against", "effdet"],
            "fpngraph bench: --against is for one graph, by its name\n",
            id="several against one",
        ),
        pytest.param(
            ["bifpn", *QUICK, "--forms", "eager,warm"],
            "fpngraph bench: there is no form 'warm'\n  hint: there are: eager, fused, sized, compiled, onnxruntime, "
            "onnxruntime-dynamic, openvino, aotinductor\n",
            id="form",
        ),
        pytest.param(
            ["fpn", "--in-channels", "4,4,4,4", "--against", "effdet"],
            "fpngraph bench: effdet has no neck like 'fpn'\n  hint: it has bifpn, pan_effdet, qufpn\n",
            id="no such neck of effdet",
        ),
        pytest.param(
            ["bifpn", *QUICK, "-p", "norm={group_norm: {groups: 4}}", "--against", "effdet"],
            "fpngraph bench: effdet has no option for every parameter of 'bifpn' as it is set\n",
            id="no such option of effdet",
        ),
        pytest.param(
            ["bifpn", *QUICK, "--against", "effdet", "--image-size", "64x96"],
            "fpngraph bench: effdet does not pool from level 6 to 7 of 64x96 images, where one side stays as it is\n"
            "  hint: choose a larger --image-size\n",
            id="a size at which effdet differs",
        ),
        pytest.param(
            ["bifpn", *QUICK, "--image-size", "100000"],
            "fpngraph bench: --image-size has more than 67,108,864 pixels\n",
            id="too large",
        ),
        pytest.param([], "fpngraph bench: GRAPH or --model NAME is required, one of the two\n", id="nothing"),
        pytest.param(
            ["bifpn", "--model", "tf_efficientdet_d0"],
            "fpngraph bench: GRAPH or --model NAME is required, one of the two\n",
            id="a graph and a detector",
        ),
        pytest.param(
            ["--model", "tf_efficientdet_d0", "--in-channels", "4,4,4"],
            "fpngraph bench: --in-channels is about a GRAPH, and --model NAME has all that it needs\n",
            id="channels of a detector",
        ),
        pytest.param(["--model", "d0"], "fpngraph bench: there is no configuration 'd0'", id="no such detector"),
        pytest.param(
            ["bifpn", *QUICK, "--device", "abacus"],
            "fpngraph bench: --device 'abacus' is no device",
            id="device",
        ),
    ],
)
def test_what_cannot_be_measured_is_told(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status = main(["bench", *arguments])

    assert (status, capsys.readouterr().err[: len(message)]) == (2, message)
