"""What there is to choose from: graphs, their parameters and presets with what they cost, and detectors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fpngraph
from fpngraph import efficientdet
from fpngraph.cli.main import main
from fpngraph.library import shipped

GRAPH = """\
fpngraph: 1
name: small
description: A small one.
params: {channels: 8, act: {leaky_relu: {slope: 0.1}}}
presets: {wide: {channels: 16}}
inputs: C(3..4)
defaults: {channels: $channels, fusion: sum, op: [$act]}
nodes:
  P(3..4): {inputs: [C(l)]}
outputs: P(3..4)
"""


def listed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """What ``list`` prints, to standard error if it was asked wrongly."""
    assert main(["list", *arguments]) == status
    printed = capsys.readouterr()
    return printed.err or printed.out


def test_every_shipped_graph_has_its_levels_and_presets(capsys: pytest.CaptureFixture[str]) -> None:
    *lines, last = listed(capsys).splitlines()

    assert [line.split(":")[0] for line in lines if line[0] != " "] == sorted(shipped())
    assert "  P3, P4, P5 -> P3, P4, P5, P6, P7; presets d0, d1, d2, d3, d4, d5, d6, d7, d7x" in lines
    assert last == "'fpngraph list NAME' has the parameters of one, and what its presets cost."


def test_it_fits_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fpngraph.table.terminal_width", lambda: 80)

    for arguments in ([], ["bifpn"], ["--detectors"]):
        assert max(map(len, listed(capsys, *arguments).splitlines())) <= 80


def test_json_has_what_each_parameter_and_preset_is(capsys: pytest.CaptureFixture[str]) -> None:
    entries = {entry["name"]: entry for entry in json.loads(listed(capsys, "--format", "json"))}

    assert sorted(entries) == sorted(shipped())
    assert entries["fpn"]["outputs"] == ["P2", "P3", "P4", "P5", "P6"]
    assert entries["fpn"]["params"]["channels"] == 256
    assert entries["bifpn"]["presets"]["d1"] == {"channels": 88, "repeats": 4}


def test_a_graph_is_told_with_its_parameters_and_what_its_presets_cost(
    workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("my.yaml").write_text(GRAPH, encoding="utf-8")

    printed = listed(capsys, "my.yaml", "--in-channels", "4,4", "--image-size", "64")

    # two 1x1 convolutions from 4 channels, with bias, on 8x8 and 4x4 pixels
    assert printed == (
        "my.yaml: A small one.\n"
        "inputs: C3, C4\n"
        "outputs: P3, P4\n"
        "\n"
        "parameter  default\n"
        f"{'─' * 37}\n"
        "channels   8\n"
        "act        {leaky_relu: {slope: 0.1}}\n"
        "\n"
        "preset  parameters   MACs  sets\n"
        f"{'─' * 39}\n"
        "(none)          80  2,560\n"
        "wide           160  5,120  channels: 16\n"
        "MACs are multiply-accumulates of convolutions and matrix products, "
        "for maps of 4, 4 channels and one image of 64x64.\n"
    )


def test_a_parameter_of_many_entries_stays_on_a_line(workshop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = ", ".join(f"{level}: {100_000 + level}" for level in range(20))
    Path("my.yaml").write_text(
        GRAPH.replace("{channels: 8,", f"{{channels: 8, by_level: {{{table}}},"), encoding="utf-8"
    )

    assert f"\nby_level   {{{table}}}\n" in listed(capsys, "my.yaml")


def test_costs_are_those_of_show(capsys: pytest.CaptureFixture[str]) -> None:
    (entry,) = json.loads(listed(capsys, "bifpn", "--in-channels", "40,112,320", "--format", "json"))

    costs = {row["preset"]: (row["parameters"], row["macs"]) for row in entry["costs"]}
    expected = fpngraph.cost(fpngraph.load("bifpn", preset="d1"), [40, 112, 320], 512)
    assert [*costs] == [None, *entry["presets"]]
    assert costs["d1"] == (expected.parameters, expected.macs)
    assert costs[None] == costs["d0"]


def test_without_channels_costs_are_for_maps_of_a_usual_backbone(capsys: pytest.CaptureFixture[str]) -> None:
    (entry,) = json.loads(listed(capsys, "fpn", "--format", "json"))

    expected = fpngraph.cost(fpngraph.load("fpn"), [256, 512, 1024, 2048], 512)
    assert entry["costs"][0]["parameters"] == expected.parameters
    assert "for maps as of a ResNet-50 and one image of 512x512.\n" in listed(capsys, "fpn")


def test_where_no_channels_are_usual_it_says_what_to_add(capsys: pytest.CaptureFixture[str]) -> None:
    printed = listed(capsys, "bfp")

    assert "(none)           ?     ?\nnot known: add --in-channels or --backbone\n" in printed


def test_a_parameter_can_be_set_as_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    printed = listed(capsys, "bifpn")

    assert "\nop            [act, separable_conv, norm]\n" in printed
    assert main(["check", "bifpn", "-p", "op=[act, separable_conv, norm]"]) == 0


def test_a_folder_is_searched_for_graphs(workshop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a/b").mkdir(parents=True)
    Path("a/b/my.yaml").write_text(GRAPH, encoding="utf-8")
    Path("a/your.yml").write_text(GRAPH, encoding="utf-8")
    Path("a/my.weights.yaml").write_text("names: {}\n", encoding="utf-8")

    entries = json.loads(listed(capsys, "a", "--format", "json"))

    assert [entry["name"] for entry in entries] == ["a/your.yml", "a/b/my.yaml"]


def test_one_that_is_wrong_hides_no_other(workshop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("my.yaml").write_text(GRAPH.replace("C(l)", "D(l)"), encoding="utf-8")

    status = main(["list", "my.yaml", "fpn"])

    printed = capsys.readouterr()
    assert status == 1
    assert printed.err.startswith("my.yaml:9:22: ")
    assert printed.out.startswith("fpn: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["bifpm"], "there is no graph named 'bifpm' [unknown-graph]\n  hint: did you mean 'bifpn'?", id="name"
        ),
        pytest.param(["."], "there is no graph file in the folder '.'\n  hint: ", id="empty folder"),
        pytest.param(["-"], "'-' can be read once, and each preset reads the graph: name a file\n", id="pipe"),
        pytest.param(["--image-size", "64"], "costs are told of single graphs: name them\n", id="no graph"),
        pytest.param(
            ["fpn", "--detectors"], "--detectors is a list of its own: leave out the graphs\n", id="two lists"
        ),
    ],
)
def test_what_cannot_be_listed_says_why(
    arguments: list[str], message: str, workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed(capsys, *arguments, status=2).startswith(f"fpngraph list: {message}")


def test_every_detector_has_its_parts(capsys: pytest.CaptureFixture[str]) -> None:
    lines = listed(capsys, "--detectors").splitlines()
    rows = json.loads(listed(capsys, "--detectors", "--format", "json"))

    assert [row["name"] for row in rows] == [*efficientdet.names()]
    assert [line.split()[0] for line in lines[2:]] == [*efficientdet.names()]
    assert "efficientdet_d1           640x640  bifpn             88  efficientnet_b1" in lines
