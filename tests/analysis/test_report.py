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
        assert edges == (node["edges"] or [[] for _ in told])
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
