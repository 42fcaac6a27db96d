"""What a layer holds can be read in tables and pictures."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

import fpngraph
from fpngraph.analysis.report import print_report, report
from fpngraph.analysis.wording import in_words
from fpngraph.ops import Layer
from fpngraph.ops.composite import Repeat

TEXT = """
fpngraph: 1
name: csp
inputs: P(3..3)
defaults: {channels: 8, act: silu}
nodes:
  a3:
    inputs: [P3]
    op:
      - residual: [conv, norm, act]
      - concat: [[{slice: {index: 0}}], [], [{slice: {index: 1}}, {repeat: {times: 2, layers: [{sum: [[act], []]}]}}]]
      - {conv: {kernel: 1}}
outputs: a3
"""
TIMES = "\N{MULTIPLICATION SIGN}"
WORDS = [
    "residual(conv, batch_norm, silu)",
    f"concat([slice], [], [slice, repeat{TIMES}2(sum([silu], []))])",
    "conv",
]


def test_a_layer_is_told_with_what_it_holds() -> None:
    assert [in_words(layer) for layer in fpngraph.loads(TEXT).nodes["a3"].op] == WORDS
    assert in_words(Repeat(times=0, layers=("act", "norm"))) == f"repeat{TIMES}0(act, norm)"


def test_a_layer_of_ones_own_is_told_by_its_name() -> None:
    class Own(Layer):
        name = "own"

    assert in_words(Own()) == "own"


def test_tables_and_json_say_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = report(fpngraph.loads(TEXT), [8], (64, 64))

    print_report(found, expand=False)

    assert found["nodes"][0]["op"] == WORDS
    assert ", ".join(WORDS) in capsys.readouterr().out


def test_a_terminal_without_the_sign_gets_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", write_through=True))

    print_report(report(fpngraph.loads(TEXT), [8], (64, 64)), expand=False)

    assert ", ".join(WORDS).replace(TIMES, "x").encode() in written.getvalue()


def test_pictures_say_it_to_who_looks_closer(tmp_path: Path) -> None:
    path = tmp_path / "csp.svg"

    fpngraph.render(fpngraph.loads(TEXT), path)

    assert " ".join(WORDS) in path.read_text(encoding="utf-8")
