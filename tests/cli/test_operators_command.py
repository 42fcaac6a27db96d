from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import fpngraph
from fpngraph.cli.main import main
from fpngraph.ops import KINDS, Operator, operators

OWN = """\
from typing import ClassVar

from pydantic import Field

import fpngraph


@fpngraph.register
class Scaled(fpngraph.Layer):
    \"\"\"Times a factor.

    It is named twice here: arXiv:1234.56789 and again arXiv:1234.56789.
    \"\"\"

    name: ClassVar[str] = "scaled_for_operators_tests"

    factor: float = Field(gt=0, description="What it multiplies by.")
"""
SCALED = """\
scaled_for_operators_tests (layer): Times a factor.
It is named twice here: arXiv:1234.56789 and again arXiv:1234.56789.
It stands in a list of layers: 'op', or a list of 'down', 'up' or another layer.
Paper: https://arxiv.org/abs/1234.56789

setting  takes           default   meaning
─────────────────────────────────────────────────────────
factor   number above 0  required  What it multiplies by.
"""
GATE = """\
global_gate (fusion): ``g + sigmoid(pool(g)) * x``: one of two maps, ``g``, weighs the channels of the other \
(arXiv:1904.07392).
mmdet's NAS-FPN has the second as ``g`` and averages; TensorFlow's has the first, the coarser one, and the maximum.
It stands as 'fusion'.
Paper: https://arxiv.org/abs/1904.07392

setting  takes                default  meaning
────────────────────────────────────────────────────────────────────────────────────
gate     'first' or 'second'  first    Which of the two maps is g.
pool     'avg' or 'max'       max      The mean or the maximum of each channel of g.

fpngraph: 1
name: example
inputs: C(3..4)
defaults: {channels: 64}
nodes:
  P3: {inputs: [C3, C4], fusion: global_gate}
outputs: [P3]
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> tuple[str, str]:
    assert main(["operators", *arguments]) == status
    printed = capsys.readouterr()
    return printed.out, printed.err


def entries(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(capsys, *arguments, "--format", "json")[0])
    return found


def test_all_operators_are_listed_by_kind_with_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys)

    listed = [line.split(":")[0].strip() for line in out.splitlines() if line.startswith("  ")]
    assert listed == [op.name for kind in KINDS for op in operators() if op.kind == kind]
    assert "\n\nnorms, as 'norm', and wherever a layer may stand:\n  batch_norm: Batch normalisation over" in out
    assert out.count("\n\n") == len(KINDS) - 1


def test_of_one_everything_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "global_gate")

    assert out == GATE


def test_operators_of_several_kinds_that_have_one_name_are_told_one_after_the_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, _ = run(capsys, "nearest")

    assert [line.partition(":")[0] for line in out.splitlines() if line.startswith("nearest")] == [
        "nearest (down)",
        "nearest (up)",
    ]


def test_one_that_has_a_list_in_place_of_settings_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "residual")

    assert "\nIt has its layers in place of settings.\n" in out
    assert "op: [{residual: [conv, norm, act, conv, norm]}, conv]" in out


@pytest.mark.usefixtures("workshop")
def test_an_operator_of_ones_own_is_told_and_an_example_that_would_not_load_is_not(
    capsys: pytest.CaptureFixture[str], workshop: Path
) -> None:
    (workshop / "own_for_operators.py").write_text(OWN, encoding="utf-8")

    out, _ = run(capsys, "--import", "own_for_operators", "scaled_for_operators_tests")

    assert out == SCALED


def test_json_has_the_same_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    found = entries(capsys)

    assert [(entry["kind"], entry["name"]) for entry in found] == [(op.kind, op.name) for op in operators()]
    (gate,) = entries(capsys, "fast_normalized")
    assert gate in found
    assert gate["settings"] == [
        {
            "name": "eps",
            "takes": "number from 0",
            "required": False,
            "default": 0.0001,
            "description": "Added to the sum of the weights before dividing by it.",
        }
    ]


def own() -> list[type[Operator]]:
    return [operator for operator in operators() if operator.__module__.startswith("fpngraph.")]


@pytest.mark.parametrize("operator", own(), ids=lambda operator: f"{operator.kind}-{operator.name}")
def test_every_example_loads_and_has_the_operator(capsys: pytest.CaptureFixture[str], operator: type[Operator]) -> None:
    entry = next(it for it in entries(capsys, operator.name) if it["kind"] == operator.kind)

    graph = fpngraph.loads(entry["example"])

    (node,) = graph.nodes.values()
    edges = [layer for edge in node.edges for layer in (*edge.down, *edge.up)]
    assert operator in [type(it) for it in (*node.op, *edges, node.fusion, node.norm, node.act, node.init)]


def test_a_name_that_is_none_is_told_with_the_likely_one(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = run(capsys, "globalgate", status=2)

    assert err == "fpngraph operators: there is no operator 'globalgate'\n  hint: did you mean 'global_gate'?\n"
