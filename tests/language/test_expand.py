"""The language as a whole: the forms of inputs and outputs, order, equality, and the examples of the design."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fpngraph.graph.graph import Graph
from fpngraph.language.yaml.source import read
from fpngraph.library import load, loads, shipped
from tests.language.loading import graph, refused
from tests.language.strategies import graphs

NODE = "\nnodes: {a3: {inputs: [P3]}}\noutputs: %s\n"


@pytest.mark.parametrize(
    ("inputs", "levels"),
    [
        ("P3", {"P3": 3}),
        ("P(3..5)", {"P3": 3, "P4": 4, "P5": 5}),
        ("P(low..low+1)", {"P3": 3, "P4": 4}),
        ("[P(3..4), C5, P9]", {"P3": 3, "P4": 4, "C5": 5, "P9": 9}),
        ("{image: 0, P3: 3}", {"image": 0, "P3": 3}),
        ("{P3: 5, x9: 2}", {"P3": 5, "x9": 2}),
        ("{P3: $low}", {"P3": 3}),
        ("{P3: $(low // 2)}", {"P3": 1}),
    ],
)
def test_forms_of_inputs(inputs: str, levels: dict[str, int]) -> None:
    found = graph(f"params: {{low: 3}}\ninputs: {inputs}{NODE % 'a3'}")

    assert {name: entry.level for name, entry in found.inputs.items()} == levels


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ("a3", {"a3": "a3"}),
        ("P(3..4)", {"P3": "P3", "P4": "P4"}),
        ("[a3, P(3..4)]", {"a3": "a3", "P3": "P3", "P4": "P4"}),
        ("[b3 | a3]", {"a3": "a3"}),
        ("{fine: a3, P3: P3 | a3}", {"fine": "a3", "P3": "P3"}),
        ("{N(3..4): a(l) | P(l)}", {"N3": "a3", "N4": "P4"}),
        ("{x: a3, y: a3}", {"x": "a3", "y": "a3"}),
    ],
)
def test_forms_of_outputs(outputs: str, expected: dict[str, str]) -> None:
    found = graph("inputs: P(3..4)\nnodes: {a3: {inputs: [P3]}, b(4..3): {inputs: [P3]}}\noutputs: " + outputs + "\n")

    assert dict(found.outputs) == expected


def test_the_order_of_outputs_is_the_order_written() -> None:
    found = graph("inputs: P(3..5)\nnodes: {a3: {inputs: [P3]}}\noutputs: [P5, a3, P4]\n")

    assert list(found.outputs) == ["P5", "a3", "P4"]


def test_nodes_are_sorted_by_what_they_need_and_then_as_declared() -> None:
    found = graph(
        "inputs: P3\nnodes:\n"
        "  d3: {inputs: [c3, b3]}\n  c3: {inputs: [P3]}\n  b3: {inputs: [P3]}\n  a3: {inputs: [P3]}\n"
        "outputs: [d3, a3]\n"
    )

    assert list(found.nodes) == ["c3", "b3", "d3", "a3"]


def shuffled(data: dict[str, Any], random: Any) -> dict[str, Any]:
    """The same file with its nodes, and the keys of every mapping but stages and ports, in another order."""
    ordered = {"stages", "outputs", "inputs"}

    def mixed(value: Any, key: str = "") -> Any:
        if isinstance(value, list):
            return [mixed(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        entries = [(name, mixed(entry, str(name))) for name, entry in value.items()]
        if key not in ordered:
            random.shuffle(entries)
        return dict(entries)

    mixture: dict[str, Any] = mixed(data)
    return mixture


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_declaration_carries_no_meaning(data: dict[str, Any], random: Any) -> None:
    found, again = loads(data), loads(shuffled(data, random))

    assert again == found  # mappings are equal in any order
    assert list(again.outputs) == list(found.outputs)
    assert list(again.inputs) == list(found.inputs)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_every_node_stands_behind_what_it_reads(data: dict[str, Any]) -> None:
    found = loads(data)

    seen = set(found.inputs)
    for node in found.nodes.values():
        assert {edge.source for edge in node.edges} <= seen
        seen.add(node.name)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_mapping_loads_as_its_text_does(name: str) -> None:
    text = shipped()[name].read_text(encoding="utf-8")

    assert loads(read(text, name).plain()) == loads(text) == load(name)


ONE = "inputs: P3\nnodes: {a3: {inputs: [P3], fusion: sum}}\noutputs: a3\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: test", "name: other"),
        ("a3", "b3"),
        ("sum", "mean"),
        ("outputs: a3", "outputs: {x: a3}"),
        ("inputs: P3", "inputs: {P3: 4}"),
        ("[P3]", "[P3, P3]"),
        ("[P3]", "[{from: P3, down: avg_pool}]"),
        ("[P3]", "[{from: P3, project: always, up: nearest}]"),
        ("fusion: sum", "channels: 3"),
    ],
)
def test_graphs_that_compute_something_else_are_not_equal(old: str, new: str) -> None:
    text = "fpngraph: 1\nname: test\n" + ONE.replace("P3]", "P3]")

    assert loads(text.replace(old, new)) != loads(text)


def test_graphs_are_equal_however_they_are_written() -> None:
    spread = "# a comment\ninputs: {P3: 3}\n\nnodes:\n  a(3..2+1):\n    inputs:\n      - P(l)\noutputs: [a3]\n"

    assert graph(spread) == graph(ONE)


def test_all_problems_of_a_phase_come_at_once_in_the_order_of_the_file() -> None:
    said = refused(
        "inputs: P(3..5)\ndefaults: {fuson: sum}\n"
        "nodes:\n  a3: {inputs: [Q3], opp: none}\n  b4: {inputs: [P4], level: x}\noutputs: [a3, c4]\n"
    )

    assert [line for line in said.splitlines() if line.startswith("<text>")] == [
        "<text>:4:12: unknown key 'fuson' [unknown-key]",
        "<text>:6:17: family 'Q' is declared nowhere in the file [unknown-name]",
        "<text>:6:22: unknown key 'opp' [unknown-key]",
        "<text>:7:29: 'level' is 'x', but must be an integer [wrong-value]",
        "<text>:8:15: family 'c' is declared nowhere in the file [unknown-name]",
    ]


def test_a_hundred_problems_are_enough() -> None:
    nodes = "".join(f"  a{index}: {{inputs: [P3], level: 3, x: 1}}\n" for index in range(300))

    said = refused(f"inputs: P3\nnodes:\n{nodes}outputs: P3\n")

    assert said.count("unknown key 'x' [unknown-key]") == 100


DESIGN_HEAD = """\
fpngraph: 1                        # version of the language
name: BiFPN
description: Weighted bi-directional feature pyramid of EfficientDet.
source: https://arxiv.org/abs/1911.09070

params: {min: 3, max: 7, channels: 64, repeats: 3}
presets:
  d0: {channels: 64, repeats: 3}
  d1: {channels: 88, repeats: 4}

inputs: P(min..5)                  # one map of the backbone per level

defaults:
  channels: $channels
  fusion: fast_normalized
  resample: {down: max_pool, up: nearest, project: {when: auto, norm: true}}
  op: [act, separable_conv, norm]
  norm: {batch_norm: {eps: 0.001, momentum: 0.01}}
  act: silu

stages:
  coarse:                          # levels that the backbone does not have
    nodes:
      P(6..max): {inputs: [P(l-1)], fusion: sum, op: none}
  bifpn:
    repeat: $repeats
"""
BIFPN = (
    DESIGN_HEAD
    + """\
    nodes:
      td(min..max-1):  {inputs: [P(l), td(l+1) | P(l+1)]}
      out(min+1..max): {inputs: [P(l), td(l) | none, out(l-1) | td(l-1)]}
    outputs: {P(min..max): out(l) | td(l)}

outputs: P(min..max)
"""
)
PAN = (
    DESIGN_HEAD
    + """\
    nodes:
      td(min..max):  {inputs: [P(l), td(l+1) | none]}
      out(min..max): {inputs: [td(l), out(l-1) | none]}
    outputs: {P(min..max): out(l)}
outputs: P(min..max)
"""
)
QUFPN = (
    DESIGN_HEAD
    + """\
    nodes:
      a(min..max-1): {inputs: [P(l), a(l+1) | P(l+1)]}
      b(min+1..max): {inputs: [P(l), a(l) | none, b(l-1) | a(l-1)]}
      c(min+1..max): {inputs: [P(l), c(l-1) | P(l-1)]}
      d(min..max-1): {inputs: [P(l), c(l) | none, d(l+1) | c(l+1)]}
      q(min..max):   {inputs: [b(l) | a(l), d(l) | c(l)]}
    outputs: {P(min..max): q(l)}
outputs: P(min..max)
"""
)
FPN = """\
fpngraph: 1
name: FPN
params: {channels: 256}
inputs: C(2..5)
defaults: {channels: $channels, fusion: sum, resample: {up: nearest}, op: none}
nodes:
  M(2..5): {inputs: [{from: C(l), project: always}, M(l+1) | none]}
  P(2..5): {inputs: [M(l)], op: [{conv: {kernel: 3}}]}
  P6:      {inputs: [{from: P5, down: {max_pool: {kernel: 1}}}]}
outputs: P(2..6)
"""
YOLO = """\
fpngraph: 1
name: PAN
inputs: C(3..5)
defaults:
  fusion: concat
  op: [{c2f: {blocks: 3, shortcut: false}}]
  resample: {down: [{strided_conv: {kernel: 3}}, norm, act]}
nodes:
  td4: {inputs: [C5, C4],  channels: 512}
  P3:  {inputs: [td4, C3], channels: 256}
  P4:  {inputs: [P3, td4], channels: 512}
  P5:  {inputs: [P4, C5],  channels: 1024}
outputs: P(3..5)
"""


@pytest.mark.parametrize(
    ("text", "nodes", "outputs"),
    [
        (BIFPN, 2 + 3 * 8, "P3 P4 P5 P6 P7"),
        (PAN, 2 + 3 * 10, "P3 P4 P5 P6 P7"),
        (QUFPN, 2 + 3 * 21, "P3 P4 P5 P6 P7"),
        (FPN, 4 + 5, "P2 P3 P4 P5 P6"),
    ],
    ids=["weighted and repeated", "two paths", "four paths", "no stages"],
)
def test_the_examples_of_the_design_load_as_written(text: str, nodes: int, outputs: str) -> None:
    found = loads(text)

    assert len(found.nodes) == nodes
    assert list(found.outputs) == outputs.split()


def test_a_cell_of_the_first_example_is_the_papers() -> None:
    found = loads(BIFPN)

    cell = {node.member: [edge.reference for edge in node.edges] for node in found.nodes.values() if node.run == 1}
    assert cell == {
        "td6": ["P6", "P7"],
        "td5": ["P5", "td6"],
        "td4": ["P4", "td5"],
        "td3": ["P3", "td4"],
        "out4": ["P4", "td4", "td3"],
        "out5": ["P5", "td5", "out4"],
        "out6": ["P6", "td6", "out5"],
        "out7": ["P7", "out6"],
    }


@pytest.mark.parametrize(("low", "high"), [(3, 8), (2, 6), (5, 6), (0, 5)])
def test_the_first_example_holds_for_other_ranges_of_levels(low: int, high: int) -> None:
    found = loads(BIFPN, min=low, max=high)

    assert list(found.outputs) == [f"P{level}" for level in range(low, high + 1)]


def test_an_operator_that_is_not_registered_is_named_with_those_that_are() -> None:
    body = YOLO.split("\n", 2)[2].replace("c2f", "csq")

    *lines, hint = refused(body).splitlines()
    assert lines == [
        "<text>:6:9: 'csq' is not the name of a layer [unknown-operator]",
        "  6 |   op: [{csq: {blocks: 3, shortcut: false}}]",
        "    |         ^^^",
    ]
    assert hint.startswith("  hint: there are: a2c2f, ")
    assert hint.endswith(
        ", ...; one of your own needs '--import MODULE', or an import of its module before the graph is loaded"
    )
    assert list(loads(YOLO).nodes) == ["td4", "P3", "P4", "P5"]


def test_a_graph_is_a_value() -> None:
    found: Graph = loads(FPN)

    with pytest.raises(AttributeError):
        found.name = "other"  # type: ignore[misc]  # which is what is tried
    with pytest.raises(TypeError):
        found.nodes["P7"] = found.nodes["P6"]  # type: ignore[index]  # which is what is tried


def test_what_an_alias_or_a_parameter_brings_to_several_places_is_told_once() -> None:
    nodes = "".join(f"  a{index}: {{inputs: [P3], level: 3, op: *op}}\n" for index in (1, 2))
    nodes += "  b3: {inputs: [P3], op: $op}\n  c3: {inputs: [P3], op: $op}\n"

    said = refused(
        f"params: {{op: [{{conv: {{kernel: 0}}}}]}}\ninputs: P3\n"
        f"nodes:\n  a0: {{inputs: [P3], level: 3, op: &op [{{conv: {{kernal: 3}}}}]}}\n{nodes}outputs: P3\n"
    )

    assert [line for line in said.splitlines() if line.startswith("<text>")] == [
        "<text>:3:31: 'kernel' is 0, but must be above 0 [wrong-value]",
        "<text>:6:49: unknown key 'kernal' [unknown-key]",
    ]


def test_what_is_told_once_ends_a_phase_all_the_same() -> None:
    nodes = "".join(f"  a{index}: {{inputs: [P3], level: 3, op: *op}}\n" for index in range(1, 300))

    said = refused(
        f"inputs: P3\nnodes:\n  a0: {{inputs: [P3], level: 3, op: &op [{{conv: {{kernal: 3}}}}]}}\n{nodes}"
        "  b: {inputs: [P3], fuson: sum}\noutputs: P3\n"
    )

    assert [line for line in said.splitlines() if line.startswith("<text>")] == [
        "<text>:5:49: unknown key 'kernal' [unknown-key]",
    ]
