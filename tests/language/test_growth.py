"""Large graphs are read, checked and written in a time that grows with their nodes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import fpngraph
from fpngraph.analysis.changes import changes
from tests.growth import assert_linear, written_out

REPEATED = """
fpngraph: 1
name: repeated
inputs: P(3..5)
params: {runs: 1}
defaults: {channels: 8}
stages:
  cell:
    repeat: $runs
    nodes: {N(3..5): {inputs: [P(l), N(l+1) | none]}}
    outputs: {P(3..5): N(l)}
outputs: P(3..5)
"""


def loaded(text: str) -> Callable[[], object]:
    return lambda: fpngraph.loads(text)


def repeated(nodes: int) -> Callable[[], object]:
    return lambda: fpngraph.loads(REPEATED, runs=nodes)


def inferred(text: str) -> Callable[[], object]:
    graph = fpngraph.loads(text)
    return lambda: fpngraph.infer(graph, [8] * 5)


def counted(text: str) -> Callable[[], object]:
    graph = fpngraph.loads(text)
    return lambda: fpngraph.cost(graph, [8] * 5, 256)


def dumped(text: str) -> Callable[[], object]:
    graph = fpngraph.loads(text)
    return lambda: fpngraph.dump(graph)


def compared(text: str) -> Callable[[], object]:
    before, after = fpngraph.loads(text), fpngraph.loads(text.replace("conv", "separable_conv"))
    return lambda: changes(before, after)


def test_loading_grows_with_the_runs_of_a_stage() -> None:
    assert_linear(repeated, 20)


@pytest.mark.parametrize("made", [loaded, inferred, counted, dumped, compared])
def test_loading_writing_comparing_and_working_out_channels_and_costs_grow_with_the_nodes(
    made: Callable[[str], Callable[[], object]],
) -> None:
    assert_linear(lambda nodes: made(written_out(nodes)), 20)
