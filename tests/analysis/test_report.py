"""What ``show`` prints says the same at every width, and the same as its JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fpngraph
from fpngraph.analysis.report import Report, print_report, report

DENSE = """
fpngraph: 1
name: dense
params: {repeats: 4}
inputs: C(2..4)
defaults: {channels: {2: 48, 3: 96, 4: 96}, fusion: fast_normalized, act: silu, op: [act, separable_conv, norm]}
stages:
  lateral:
    nodes:
      lat(2..4): {inputs: [C(l)], fusion: sum, op: none}
    outputs: {P(2..4): lat(l), lat(2..4): lat(l)}
  cell:
    repeat: $repeats
    nodes:
      a(2..4): {inputs: [P(l), a(l+1) | none, a(l+2) | none]}
      up(2..4): {inputs: [a(l), up(l-1) | none]}
      b(2..4): {inputs: [up(l), P(l), a(l-2) | none, old(l) | none, older(l) | none], fusion: softmax}
    outputs: {P(2..4): b(l), old(2..4): up(l), older(2..4): old(l) | lat(l)}
outputs: P(2..4)
"""
LONG = """
fpngraph: 1
name: a_neck_with_names_that_say_it_all
inputs: feature_map_of_the_backbone(3..5)
defaults: {channels: 1024, fusion: fast_normalized, op: [act, separable_conv, norm]}
nodes:
  intermediate_top_down_feature(3..5):
    inputs: [feature_map_of_the_backbone(l), intermediate_top_down_feature(l+1) | none]
  refined_bottom_up_feature_of_the_output(3..5):
    inputs: [intermediate_top_down_feature(l), refined_bottom_up_feature_of_the_output(l-1) | none]
outputs: {level_of_the_detection_pyramid(3..5): refined_bottom_up_feature_of_the_output(l)}
"""
REPORTS = {
    "bifpn": lambda: report(fpngraph.load("bifpn", preset="d0"), [40, 112, 320], (512, 512)),
    "equal runs": lambda: report(fpngraph.load("bifpn", repeats=12), [64, 64, 64], (512, 512)),
    "dense": lambda: report(fpngraph.loads(DENSE), [64, 128, 256], (640, 512)),
    "long names": lambda: report(fpngraph.loads(LONG), [1, 2, 3], (8192, 8192)),
    "without channels": lambda: report(fpngraph.loads(DENSE), None, (512, 512)),
}
HEADINGS = ("level", "inputs", "fusion", "op", "output", "parameters", "MACs")


def entries(lines: list[str]) -> Iterator[dict[str, str]]:
    """Rows by heading, with what is below each; the first line are the headings."""
    headings, _, *rows = lines
    found: dict[str, str] = {}
    pair = re.compile(rf"({'|'.join(HEADINGS)}): ")
    for line in rows:
        if line.startswith("    "):
            for cell in re.split(rf"  (?=(?:{'|'.join(HEADINGS)}): )", line[4:]):
                if pair.match(cell):
                    last = cell.partition(": ")[0]
                    found[last] = cell.partition(": ")[2]
                else:
                    found[last] += f" {cell.strip()}"
        elif line:
            if found:
                yield found
            cells = re.split(" {2,}", line)
            known = re.split(" {2,}", headings)
            if cells[0] == "total":
                known = ["node", *(name for name in known if name in ("parameters", "MACs"))]
            found = dict(zip(known, cells, strict=True))
    yield found


def one_by_one(row: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A row of several runs as a row for each: ``cell.1-3.x`` is ``cell.1.x`` and so on, its inputs likewise."""
    span = re.search(r"\.(\d+)-(\d+)\.", row["node"])
    for run in range(int(span[2]) - int(span[1]) + 1 if span else 1):

        def of_run(text: str, run: int = run) -> str:
            return re.sub(r"\.(\d+)-\d+\.", lambda found: f".{int(found[1]) + run}.", text)

        yield {**row, "node": of_run(row["node"]), "inputs": of_run(row["inputs"])}


def assert_says(lines: list[str], wanted: Report) -> None:
    """The lines of a table have every node and number of the report."""
    *rows, total = [*entries(lines), *([] if wanted["image_size"] else [{}])]
    found = [run for row in rows for run in one_by_one(row)]
    names = {node["node"] for node in wanted["nodes"]}
    assert sorted(row["node"] for row in found) == sorted(names)
    nodes = {row["node"]: row for row in found}
    for node in wanted["nodes"]:
        row, stage = nodes[node["node"]], node["node"].rpartition(".")[0]
        told = [name.partition(" (") for name in row["inputs"].split(", ")]
        inputs = [f"{stage}.{name}" if f"{stage}.{name}" in names else name for name, _, _ in told]
        edges = [layers.removesuffix(")").split(" + ") if layers else [] for _, _, layers in told]
        assert edges == [edge["layers"] for edge in node["edges"]]
        assert (row["level"], inputs, row["fusion"]) == (str(node["level"]), node["inputs"], node["fusion"])
        assert row["op"] == (", ".join(node["op"]) or "none")
        if wanted["image_size"]:
            assert row["output"] == f"{node['channels']} x {node['height']} x {node['width']}"
            assert_numbers(row, node)
    if wanted["image_size"]:
        assert_numbers(total, wanted)


def assert_numbers(row: Mapping[str, str], wanted: Mapping[str, Any]) -> None:
    assert int(row["parameters"].replace(",", "")) == wanted["parameters"]
    assert int(row["MACs"].replace(",", "")) == wanted["macs"]


@pytest.mark.parametrize("expand", [False, True], ids=["equal runs once", "every run"])
@pytest.mark.parametrize("name", REPORTS)
def test_no_name_and_no_number_is_cut_at_any_width(
    name: str, expand: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = REPORTS[name]()

    for width in range(40, 201):
        monkeypatch.setattr("fpngraph.table.terminal_width", lambda width=width: width)
        print_report(wanted, expand=expand)

        text, _, notes = capsys.readouterr().out.partition("\ninputs: ")
        assert_says(re.split(r"\n\S+\.\d+-\d+ stands ", text)[0].splitlines(), wanted)
        # an input and its edge stay in one line
        widest = max(len(word) for word in re.findall(r"(?:inputs: )?\S+ \([^)]*\)|\S+", text))
        assert max(map(len, text.splitlines())) <= max(width, 6 + widest)
        listed = " ".join(notes.split()).partition("outputs: ")[2]
        assert ", ".join(f"{output} = {node}" for output, node in wanted["outputs"].items()) in listed


def test_equal_runs_are_shown_once_with_their_count(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(REPORTS["dense"](), expand=False)

    printed = capsys.readouterr().out
    names = [line.split()[0] for line in printed.splitlines() if line.startswith("cell.") and "stands" not in line]
    runs = [*(f"cell.{run}" for run in (0, 1)), "cell.2-3"]
    assert sorted(names) == sorted(
        f"{run}.{node}{level}" for run in runs for node in ("a", "up", "b") for level in (2, 3, 4)
    )
    assert "\ncell.2-3 stands for 2 equal runs: each row has the numbers of one, totals count all.\n" in printed
    assert ["cell.2-3.b2", "2", "up2,", "cell.1-2.b2,", "cell.1-2.up2,", "cell.0-1.up2", "softmax"] in [
        line.split()[:7] for line in printed.splitlines()
    ]


def test_what_nobody_knows_is_a_question_mark_and_no_total_hides_it(
    workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    @fpngraph.register
    class Untold(fpngraph.Layer):
        name = "untold_for_report"

    graph = fpngraph.loads(LONG)
    top = graph.nodes["intermediate_top_down_feature5"]
    graph = replace(graph, nodes=dict(graph.nodes) | {top.name: replace(top, op=(*top.op, Untold()))})

    found = report(graph, [8, 8, 8], (256, 256))
    print_report(found, expand=False)

    printed = capsys.readouterr().out.splitlines()
    known = sum(node["parameters"] for node in found["nodes"] if node["parameters"] is not None)
    assert (found["parameters"], found["macs"]) == (None, None)
    reason = "'untold_for_report' does not say it: NotImplementedError: Untold"
    assert found["unknown"] == {top.name: reason}
    assert printed[2].split()[-2:] == ["?", "?"]
    assert next(line for line in printed if line.startswith("total")).split()[1:4] == [f"{known:,}", "+", "?"]
    assert f"totals lack what is not known of {top.name}: {reason}" in printed


KINDS = """
fpngraph: 1
name: kinds
inputs: C(2..4)
defaults: {channels: 8, resample: {project: {norm: true}}}
nodes:
  a3: {inputs: [C3, {from: C4, project: always}, {from: C2, project: never, down: strided_conv}]}
  b4: {inputs: [a3], op: [{conv: {kernel: 3}}, {residual: [{conv: {kernel: 1}}, norm]}]}
outputs: {P3: a3, P4: b4}
"""


def test_without_channels_an_edge_tells_what_is_known_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    found = report(fpngraph.loads(KINDS), None, (512, 512))

    print_report(found, expand=False)

    assert found["nodes"][0]["edges"] == [
        {"down": None, "up": None, "projection": None, "layers": ["1x1?"]},
        {"down": None, "up": 2, "projection": True, "layers": ["1x1", "batch_norm", "nearest*2"]},
        {"down": 2, "up": None, "projection": False, "layers": ["strided_conv/2"]},
    ]
    printed = capsys.readouterr().out
    assert "  C3 (1x1?), C4 (1x1 + batch_norm + nearest*2), C2 (strided_conv/2)  " in printed
    assert printed.endswith("\n1x1? is there where channels differ, which --in-channels or --backbone tells.\n")


def test_with_channels_it_is_known_which_edges_have_a_projection(capsys: pytest.CaptureFixture[str]) -> None:
    found = report(fpngraph.loads(KINDS), [8, 8, 8], (64, 64))

    print_report(found, expand=False)

    assert [edge["projection"] for edge in found["nodes"][0]["edges"]] == [False, True, False]
    assert "1x1?" not in capsys.readouterr().out


def test_the_data_have_fusion_and_layers_as_a_file_says_them() -> None:
    (_, node) = report(fpngraph.loads(KINDS), None, (512, 512))["nodes"]

    assert node["op"] == ["conv", "residual(conv, batch_norm)"]
    assert node["yaml"] == {
        "fusion": "sum",
        "op": [{"conv": {"kernel": 3}}, {"residual": [{"conv": {"kernel": 1}}, "batch_norm"]}],
    }
    again = KINDS.replace("[{conv: {kernel: 3}}, {residual: [{conv: {kernel: 1}}, norm]}]", str(node["yaml"]["op"]))
    assert fpngraph.loads(again).nodes["b4"].op == fpngraph.loads(KINDS).nodes["b4"].op
