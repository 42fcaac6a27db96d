"""The checked graph: topology, copies, and what the networkx view has."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import networkx
import pytest
from hypothesis import HealthCheck, given, settings

from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph
from fpngraph.language.expand import expand
from fpngraph.language.spent import Spent
from fpngraph.language.topology import graph_of
from fpngraph.language.uses import Home, Uses
from fpngraph.language.yaml.source import read
from fpngraph.language.yaml.writing import to_yaml
from fpngraph.library import load, loads, named, shipped
from tests.language.loading import graph, refused
from tests.language.strategies import graphs

HINT = "  hint: each node must be computable from the inputs; read an earlier node in one of these places"


def cycles(body: str) -> list[str]:
    """The message of every problem, with its place."""
    return [line for line in refused(body).splitlines() if line.startswith("<text>")]


def ring(length: int) -> str:
    """A file with nodes that read each other in a ring, declared in another order."""
    order = [*range(0, length, 2), *range(1, length, 2)]
    lines = [f"  a{index}: {{inputs: [P3, a{(index + 1) % length}], level: 3}}" for index in order]
    return "inputs: P3\nnodes:\n" + "\n".join(lines) + "\noutputs: a0\n"


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (1, "<text>:5:21: a cycle: 'a0' (line 5) reads 'a0' [cycle]"),
        (2, "<text>:5:21: a cycle: 'a0' (line 5) reads 'a1' (line 6) reads 'a0' [cycle]"),
        (
            5,
            "<text>:5:21: a cycle: 'a0' (line 5) reads 'a1' (line 8) reads 'a2' (line 6) reads 'a3' (line 9) "
            "reads 'a4' (line 7) reads 'a0' [cycle]",
        ),
    ],
)
def test_a_cycle_is_printed_in_order_with_its_lines(length: int, expected: str) -> None:
    assert cycles(ring(length)) == [expected]


def test_the_whole_text_of_a_cycle() -> None:
    assert refused("inputs: P3\nnodes:\n  a3:\n    inputs: [P3, b3]\n  b3: {inputs: [a3]}\noutputs: a3\n") == (
        "<text>:6:18: a cycle: 'a3' (line 6) reads 'b3' (line 7) reads 'a3' [cycle]\n"
        "  6 |     inputs: [P3, b3]\n"
        "    |                  ^^\n" + HINT
    )


def test_every_cycle_of_its_own_is_told_in_the_order_of_the_file() -> None:
    found = cycles(
        "inputs: P3\nnodes:\n"
        "  d3: {inputs: [c3]}\n  c3: {inputs: [d3]}\n  b3: {inputs: [b3]}\n  a(3..4): {inputs: [a(l)]}\noutputs: b3\n"
    )

    assert found == [
        "<text>:5:17: a cycle: 'd3' (line 5) reads 'c3' (line 6) reads 'd3' [cycle]",
        "<text>:7:17: a cycle: 'b3' (line 7) reads 'b3' [cycle]",
        "<text>:8:22: a cycle: 'a3' (line 8) reads 'a3' [cycle]",
    ]


def test_a_cycle_in_every_run_is_told_once() -> None:
    found = cycles(
        "inputs: P3\nstages:\n  s:\n    repeat: 3\n    nodes:\n"
        "      a3: {inputs: [P3, b3]}\n      b3: {inputs: [a3]}\n    outputs: {P3: b3}\noutputs: P3\n"
    )

    assert found == ["<text>:8:25: a cycle: 's.0.a3' (line 8) reads 's.0.b3' (line 9) reads 's.0.a3' [cycle]"]


def test_a_cycle_that_no_output_depends_on_is_one_all_the_same() -> None:
    assert len(cycles("inputs: P3\nnodes: {a3: {inputs: [a3]}}\noutputs: P3\n")) == 1


def test_a_long_cycle_is_cut() -> None:
    [said] = cycles(ring(30))

    assert said.startswith("<text>:5:21: a cycle: 'a0' (line 5) reads 'a1' (line 20) reads 'a2' (line 6)")
    assert said.endswith("'a19' (line 29) reads 10 more nodes that read 'a0' [cycle]")


def test_the_networkx_view_has_levels_kinds_and_counts() -> None:
    found = graph("inputs: P(3..4)\nnodes: {a3: {inputs: [P3, P4, P4]}, b3: {inputs: [a3]}}\noutputs: b3\n").networkx()

    assert isinstance(found, networkx.DiGraph)
    assert dict(found.nodes(data=True)) == {
        "P3": {"level": 3, "kind": "input"},
        "P4": {"level": 4, "kind": "input"},
        "a3": {"level": 3, "kind": "node"},
        "b3": {"level": 3, "kind": "node"},
    }
    assert list(found.edges(data="count")) == [("P3", "a3", 1), ("P4", "a3", 2), ("a3", "b3", 1)]


def test_the_networkx_view_is_a_copy() -> None:
    found = load("fpn")
    digraph = found.networkx()

    digraph.remove_node("P6")
    digraph.nodes["M5"]["level"] = 99

    assert "P6" in found.networkx()
    assert found == load("fpn")
    assert found.networkx().nodes["M5"]["level"] == 5


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_everything_that_is_left_leads_to_an_output(data: dict[str, Any]) -> None:
    document = read(to_yaml(data), "<text>")
    found = loads(data)

    digraph = found.networkx()
    needed = {name for output in found.outputs.values() for name in (output, *networkx.ancestors(digraph, output))}
    assert networkx.is_directed_acyclic_graph(digraph)
    assert set(found.nodes) == needed - set(found.inputs)
    uses = Uses(graph_of, named, None, Home(), Spent())
    left_out = {node.name for node in expand(document, None, {}, uses).nodes} - set(found.nodes)
    warned = " ".join(warning.message for warning in found.warnings)
    assert bool(left_out) == ("left out" in warned)


@pytest.mark.parametrize("name", sorted(shipped()))
@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_graph_survives_copies(name: str, again: Any) -> None:
    found = load(name)

    other: Graph = again(found)

    assert other == found
    assert (other.warnings, other.stages) == (found.warnings, found.stages)
    assert [node.span for node in other.nodes.values()] == [node.span for node in found.nodes.values()]


def test_an_error_survives_pickle() -> None:
    with pytest.raises(GraphError) as caught:
        loads("a: [")

    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.problems) == (str(caught.value), caught.value.problems)


def test_warnings_and_places_do_not_count_for_equality() -> None:
    quiet = graph("inputs: P3\nnodes: {a3: {inputs: [P3]}}\noutputs: a3\n")
    odd = graph("\n\ninputs: P3\nnodes: {a3: {inputs: [P3]}, b3: {inputs: [P3]}}\noutputs: a3\n")

    assert quiet == odd
    assert not quiet.warnings
    assert odd.warnings
