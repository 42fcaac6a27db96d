"""The text that a graph is written as: it loads again to an equal graph, and that is written the same."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import Field

import fpngraph
from fpngraph.graph.graph import Graph, GraphStage
from fpngraph.language.explicit import dump
from fpngraph.library import load, loads, shipped
from fpngraph.ops import registry
from tests.language.strategies import graphs

SHIPPED: list[tuple[str, dict[str, Any]]] = [
    ("bifpn", {}),
    ("bifpn", {"preset": "d7x"}),
    ("bifpn", {"preset": "d1", "min": 2, "max": 8, "fusion": "softmax", "act": "relu"}),
    ("bifpn", {"backbone_max": 7}),
    ("bifpn", {"repeats": 1, "op": [{"conv": {"kernel": 1}}], "norm": {"group_norm": {"groups": 8}}}),
    ("pan_effdet", {}),
    ("pan_effdet", {"min": 0, "backbone_max": 2, "max": 4, "repeats": 2}),
    ("qufpn", {}),
    ("qufpn", {"fusion": "sum", "repeats": 1}),
    ("fpn", {}),
    ("fpn", {"max": 5, "channels": 8}),
    ("retinanet_fpn", {}),
    ("retinanet_fpn", {"source": "P5", "max": 8}),
    ("panet", {}),
    ("panet", {"min": 4, "max": 9}),
]


def assert_survives(graph: Graph) -> None:
    text = dump(graph)
    again = loads(text)

    assert again == graph
    assert dump(again) == text


@pytest.mark.parametrize(("name", "params"), SHIPPED, ids=[f"{name}-{params}" for name, params in SHIPPED])
def test_a_shipped_graph_and_its_explicit_form_are_equal(name: str, params: dict[str, Any]) -> None:
    assert_survives(load(name, **params))


class Pair(fpngraph.Block):
    name: ClassVar[str] = "explicit_pair"
    times: int = 2
    inside: str = Field(default="conv", alias="layer")

    def layers(self, in_channels: int, out_channels: int) -> Any:
        return [{"repeat": {"times": self.times, "layers": [self.inside]}}]


def test_blocks_are_written_with_what_was_said_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    fpngraph.register(Pair)
    op = "[explicit_pair, {residual: [{explicit_pair: {times: 1, layer: act}}]}]"
    graph = loads(
        f"{HEAD}inputs: C3\ndefaults: {{channels: 8}}\nnodes: {{t3: {{inputs: [C3], op: {op}}}}}\noutputs: t3\n"
    )

    assert f"op: {op}" in dump(graph)
    assert_survives(graph)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_any_graph_and_its_explicit_form_are_equal(data: dict[str, Any]) -> None:
    assert_survives(loads(data))


HEAD = "fpngraph: 1\nname: test\n"
CASES = [
    pytest.param(
        "params: {low: 3, act: {leaky_relu: {slope: 0.2}}}\n"
        "inputs: C(low..4)\n"
        "nodes:\n"
        "  P(low..4): {inputs: ['C(l)', P(l+1) | none], act: $act, op: [act], channels: $(16 * l)}\n"
        "outputs: {out(3..4): P(l)}\n",
        "inputs: {C3: 3, C4: 4}\n"
        "defaults: {op: [act], act: {leaky_relu: {slope: 0.2}}}\n"
        "nodes:\n"
        "  P3: {inputs: [C3, P4], channels: 48}\n"
        "  P4: {inputs: [C4], channels: 64}\n"
        "outputs: {out3: P3, out4: P4}\n",
        id="params, ranges and indices",
    ),
    pytest.param(
        "inputs: C(3..4)\n"
        "stages:\n"
        "  a: {repeat: 2, nodes: {t3: {inputs: [Q3 | C4 | C3]}}, outputs: {Q(3..3): t(l), C3: t3}}\n"
        "outputs: Q3\n",
        "inputs: {C3: 3, C4: 4}\n"
        "stages:\n"
        "  a:\n"
        "    repeat: 2\n"
        "    nodes:\n"
        "      t3: {inputs: [Q3 | C4]}\n"
        "    outputs: {Q3: t3, C3: t3}\n"
        "outputs: {Q3: Q3}\n",
        id="a fallback that only some runs need stays",
    ),
    pytest.param(
        "inputs: C3\n"
        "stages:\n"
        "  a: {repeat: 2, nodes: {t3: {inputs: [C3, Q3 | none]}}, outputs: {Q3: t3}}\n"
        "outputs: Q3\n",
        "inputs: {C3: 3}\n"
        "stages:\n"
        "  a:\n"
        "    repeat: 2\n"
        "    nodes:\n"
        "      t3: {inputs: [C3, Q3 | none]}\n"
        "    outputs: {Q3: t3}\n"
        "outputs: {Q3: Q3}\n",
        id="so does none",
    ),
    pytest.param(
        "inputs: C(3..4)\n"
        "defaults: {channels: $(8 * l), resample: {up: bilinear, project: {norm: true}}}\n"
        "stages:\n"
        "  a:\n"
        "    defaults: {act: silu}\n"
        "    nodes:\n"
        "      t(3..4): {inputs: [C(l), {from: C3, project: always}], resample: {project: always}, channels: null}\n"
        "outputs: t(3..4)\n",
        "inputs: {C3: 3, C4: 4}\n"
        "defaults: {resample: {up: bilinear, project: {when: always, norm: true}}, act: silu}\n"
        "stages:\n"
        "  a:\n"
        "    nodes:\n"
        "      t3: {inputs: [C3, C3], channels: 24}\n"
        "      t4: {inputs: [C4, C3], channels: 32}\n"
        "outputs: {t3: t3, t4: t4}\n",
        id="what nodes have in common moves into the defaults, what depends on the index into the nodes",
    ),
    pytest.param(
        "inputs: C(3..4)\n"
        "stages:\n"
        "  a: {nodes: {t(5..4): {inputs: [C3]}}, outputs: {D(3..4): C(l)}}\n"
        "  b: {nodes: {u3: {inputs: [D(3..4), {from: C(3..4), up: bilinear}]}}}\n"
        "outputs: u3\n",
        "inputs: {C3: 3, C4: 4}\n"
        "stages:\n"
        "  a:\n"
        "    nodes: {}\n"
        "    outputs: {D3: C3, D4: C4}\n"
        "  b:\n"
        "    nodes:\n"
        "      u3: {inputs: [D3, D4, {from: C3, up: bilinear}, {from: C4, up: bilinear}]}\n"
        "outputs: {u3: u3}\n",
        id="a stage without a member, and ranges as inputs",
    ),
    pytest.param(
        "params: {one: [{conv: {kernel: 1}}, norm], times: 2}\n"
        "inputs: C(3..4)\n"
        "defaults:\n"
        "  channels: 8\n"
        "  act: silu\n"
        "  op: [$one, [act], {residual: [$one, silu]}, {sum: [[norm], [], [{slice: {start: 0, channels: 8}}]]}]\n"
        "nodes:\n"
        "  t(3..4):\n"
        "    inputs: [C(l)]\n"
        "    resample: {up: [nearest, [{repeat: {times: $times, layers: [act], keep: last}}]]}\n"
        "outputs: t(3..4)\n",
        "inputs: {C3: 3, C4: 4}\n"
        "defaults:\n"
        "  channels: 8\n"
        "  resample: {up: [nearest, {repeat: {times: 2, layers: [act], keep: last}}]}\n"
        "  op:\n"
        "    - {conv: {kernel: 1}}\n"
        "    - norm\n"
        "    - act\n"
        "    - {residual: [{conv: {kernel: 1}}, norm, act]}\n"
        "    - {sum: [[norm], [], [{slice: {start: 0, channels: 8}}]]}\n"
        "  act: silu\n"
        "nodes:\n"
        "  t3: {inputs: [C3]}\n"
        "  t4: {inputs: [C4]}\n"
        "outputs: {t3: t3, t4: t4}\n",
        id="lists in lists, and words in them",
    ),
    pytest.param(
        "inputs: C3\nnodes:\n  t3: {inputs: [C3], op: [{repeat: {times: 0, layers: [act, norm]}}]}\noutputs: t3\n",
        "inputs: {C3: 3}\n"
        "nodes:\n"
        "  t3: {inputs: [C3], op: [{repeat: {times: 0, layers: [act, norm]}}]}\n"
        "outputs: {t3: t3}\n",
        id="a list that never runs",
    ),
    pytest.param(
        "inputs: {image: 0, C3: 3}\nnodes:\n  merge: {inputs: [image, C3], level: 3}\n"
        "  unused5: {inputs: [merge], level: 3}\noutputs: [merge, image]\n",
        "inputs: {image: 0, C3: 3}\nnodes:\n  merge: {inputs: [image, C3], level: 3}\n"
        "outputs: {merge: merge, image: image}\n",
        id="levels, and not what no output depends on",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_the_explicit_form_says_what_the_file_means(text: str, expected: str) -> None:
    graph = loads(HEAD + text)

    assert dump(graph) == HEAD + expected
    assert_survives(graph)


def test_name_description_and_source_stay() -> None:
    text = "fpngraph: 1\nname: A\ndescription: B\nsource: C\ninputs: {C3: 3}\nnodes:\n  P3: {inputs: [C3]}\n"
    text += "outputs: {P3: P3}\n"

    assert dump(loads(text)) == text


def test_a_graph_put_together_by_hand_is_written_too() -> None:
    graph = load("fpn")
    made = Graph(graph.name, "", "", graph.inputs, graph.nodes, graph.outputs)

    assert loads(dump(made)) == made


def test_another_name_is_the_one_that_is_written() -> None:
    renamed = dataclasses.replace(load("bifpn"), name="mine")

    assert loads(dump(renamed)) == renamed


ANCHORED = {"mafpn": 4}  # whose layers stand once, behind an anchor, and in the text at each node


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_graph_takes_at_most_twice_the_lines_of_its_files(name: str) -> None:
    own = shipped()[name].read_text(encoding="utf-8")
    used = [shipped()[other].read_text(encoding="utf-8") for other in re.findall(r"\buse: (\w+)", own)]
    by_hand = [line for text in (own, *used) for line in text.splitlines()]

    assert len(dump(load(name)).splitlines()) <= ANCHORED.get(name, 2) * len(by_hand)


def test_a_node_that_reads_what_its_name_does_not_stand_for_is_refused() -> None:
    graph = loads(HEAD + "inputs: C(3..4)\nnodes:\n  P4: {inputs: [C4]}\noutputs: P4\n")
    (edge,) = graph.nodes["P4"].edges
    odd = dataclasses.replace(graph.nodes["P4"], edges=(dataclasses.replace(edge, source="C3"),))

    with pytest.raises(ValueError) as caught:
        dump(dataclasses.replace(graph, nodes={"P4": odd}))

    assert str(caught.value) == (
        "graph 'test' cannot be written: node 'P4' reads 'C3' as 'C4', which stands for 'C4' there"
    )


def test_an_output_without_a_name_in_scope_is_refused() -> None:
    text = "inputs: C3\nstages:\n  a: {nodes: {t3: {inputs: [C3]}}, outputs: {Q3: t3}}\noutputs: Q3\n"
    graph = loads(HEAD + text)
    stage = GraphStage("a", None, {})

    with pytest.raises(ValueError) as caught:
        dump(dataclasses.replace(graph, stages=(stage,)))

    assert str(caught.value) == "graph 'test' cannot be written: no name stands for 'a.t3' at its end"


def test_a_name_in_place_of_a_graph_is_told_with_the_way_to_load_it() -> None:
    with pytest.raises(TypeError, match=r"graph is a str, not a Graph\n  hint: fpngraph.load\(...\) makes one"):
        dump("bifpn")  # type: ignore[arg-type]
