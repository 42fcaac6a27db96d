"""Declarations: families, levels, overlaps, stages, and settings merged from the file, the stage and the node."""

from __future__ import annotations

from typing import Any

import pytest

from fpngraph.graph.nodes import Projection
from fpngraph.ops import find
from tests.language.loading import graph, refused


def op(kind: str, name: str, **settings: Any) -> Any:
    operator = find([kind], name)
    assert operator is not None
    return operator(**settings)


@pytest.mark.parametrize(
    ("key", "members"),
    [
        ("a4", {"a4": 4}),
        ("a(4)", {"a4": 4}),
        ("a(3..5)", {"a3": 3, "a4": 4, "a5": 5}),
        ("a(low..2*low-1)", {"a3": 3, "a4": 4, "a5": 5}),
        ("a(low - -1..low+(2))", {"a4": 4, "a5": 5}),
        ("a( 3 .. 4 )", {"a3": 3, "a4": 4}),
        ("a0", {"a0": 0}),
        ("a_9", {"a_9": 9}),
        ("a1b2", {"a1b2": 2}),
    ],
)
def test_a_key_declares_members_whose_index_is_their_level(key: str, members: dict[str, int]) -> None:
    found = graph(
        f"params: {{low: 3}}\ninputs: P3\nnodes: {{{key}: {{inputs: [P3]}}}}\noutputs: [{', '.join(members)}]\n"
    )

    assert {name: node.level for name, node in found.nodes.items()} == members


@pytest.mark.parametrize(
    ("level", "levels"),
    [("5", [5, 5]), ("$(l)", [3, 4]), ("$(l + low)", [6, 7]), ("$low", [3, 3]), ("null", [3, 4]), ("0", [0, 0])],
)
def test_a_level_can_be_said(level: str, levels: list[int]) -> None:
    found = graph(
        f"params: {{low: 3}}\ninputs: P3\nnodes: {{a(3..4): {{inputs: [P3], level: {level}}}}}\noutputs: a(3..4)\n"
    )

    assert [node.level for node in found.nodes.values()] == levels


def test_l_is_the_index_and_not_the_level() -> None:
    found = graph("inputs: P(3..5)\nnodes: {a4: {inputs: [P(l)], level: 3, channels: $(l)}}\noutputs: a4\n")

    assert found.nodes["a4"].edges[0].source == "P4"
    assert found.nodes["a4"].channels == 4


def test_a_name_without_index_needs_a_level() -> None:
    found = graph("inputs: P3\nnodes: {merge: {inputs: [P3], level: 4}}\noutputs: merge\n")

    assert found.nodes["merge"].level == 4


MERGED = """\
inputs: P(3..4)
defaults:
  channels: {3: 16, 4: 32}
  fusion: {fast_normalized: {eps: 0.5}}
  resample: {down: {avg_pool: {kernel: 5}}, project: {when: always, norm: true, bias: true}}
  op: [act, {conv: {kernel: 5}}]
  act: silu
stages:
  s:
    defaults: {%s}
    nodes: {a4: {inputs: [P3, {from: P4, %s}], %s}}
outputs: a4
"""


def merged(stage: str = "", edge: str = "", node: str = "") -> Any:
    return graph(MERGED % (stage, edge or "up: null", node)).nodes["s.a4"]


def test_what_nobody_says_again_holds() -> None:
    found = merged()

    assert (found.channels, found.fusion) == (32, op("fusion", "fast_normalized", eps=0.5))
    assert found.op == (op("act", "silu"), op("layer", "conv", kernel=5))
    assert found.edges[0].down == (op("down", "avg_pool", kernel=5),)
    assert found.edges[0].projection == Projection("always", norm=True, bias=True, channels=None)


@pytest.mark.parametrize("place", ["stage", "node"])
@pytest.mark.parametrize(
    ("said", "attribute", "expected"),
    [
        ("channels: 8", "channels", 8),
        ("channels: {4: 9}", "channels", 9),
        ("fusion: fast_normalized", "fusion", op("fusion", "fast_normalized")),
        ("fusion: sum", "fusion", op("fusion", "sum")),
        ("op: none", "op", ()),
        ("op: []", "op", ()),
        ("op: [norm]", "op", (op("norm", "batch_norm"),)),
        ("act: relu", "op", (op("act", "relu"), op("layer", "conv", kernel=5))),
        ("padding: same", "padding", "same"),
        ("init: torchvision", "init", op("init", "torchvision")),
        ("channels: null", "channels", 32),
        ("resample: null", "channels", 32),
        ("resample: {project: null, down: null}", "channels", 32),
    ],
)
def test_an_inner_setting_replaces_an_outer_one(place: str, said: str, attribute: str, expected: object) -> None:
    assert getattr(merged(**{place: said}), attribute) == expected


def test_a_mapping_of_channels_is_replaced_whole() -> None:
    assert refused(MERGED % ("channels: {3: 8}", "up: null", "")).splitlines()[0] == (
        "<text>:12:26: 'channels' says nothing of level 4, at which node 's.a4' is [channels-unknown]"
    )


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("stage", "resample: {project: {when: never}}"),
        ("stage", "resample: {project: never}"),
        ("node", "resample: {project: {when: never}}"),
        ("node", "resample: {project: never}"),
        ("edge", "project: {when: never}"),
        ("edge", "project: never"),
    ],
)
def test_a_projection_merges_key_by_key(place: str, said: str) -> None:
    found = merged(**{place: said, "node": "channels: 8"} if place != "node" else {"node": said})

    assert found.edges[1].projection == Projection("never", norm=True, bias=True, channels=None)
    assert found.edges[1].down == (op("down", "avg_pool", kernel=5),)


def test_an_edge_has_settings_of_its_own() -> None:
    found = merged(
        edge="up: bilinear, down: max_pool, lateral: [act], order: resample_first, project: {norm: false, channels: 32}"
    )

    first, second = found.edges
    assert (first.lateral, second.lateral) == ((), (op("act", "silu"),))
    assert (first.up, first.order, first.projection.norm) == ((op("up", "nearest"),), "project_first", True)
    assert (second.up, second.down) == ((op("up", "bilinear"),), (op("down", "max_pool"),))
    assert second.order == "resample_first"
    assert second.projection == Projection("always", norm=False, bias=True, channels=32)


def test_layers_for_the_nodes_own_level_merge_and_end_with_none() -> None:
    resample = "resample: {lateral: [act, norm]}"

    assert [edge.lateral for edge in merged(stage=resample).edges] == [
        (op("act", "silu"), op("norm", "batch_norm"))
    ] * 2
    assert [edge.lateral for edge in merged(stage=resample, node="resample: {lateral: none}").edges] == [(), ()]
    assert [edge.lateral for edge in merged(node=resample, edge="lateral: none").edges][1:] == [()]


def test_what_holds_where_nobody_says() -> None:
    node = graph("inputs: P3\nnodes: {a3: {inputs: [P3]}}\noutputs: a3\n").nodes["a3"]

    assert (node.fusion, node.op, node.channels) == (op("fusion", "sum"), (), None)
    assert (node.norm, node.padding, node.init) == (op("norm", "batch_norm"), "symmetric", None)
    assert (node.edges[0].down, node.edges[0].up) == ((op("down", "max_pool"),), (op("up", "nearest"),))
    assert node.edges[0].lateral == ()
    assert node.edges[0].projection == Projection("auto", norm=False, bias="auto", channels=None)
    assert node.edges[0].order == "project_first"


def test_a_path_is_a_list_of_layers_with_the_nodes_own_norm_and_act() -> None:
    node = graph(
        "inputs: P(3..5)\n"
        "nodes:\n  a4: {inputs: [{from: P3, down: [{strided_conv: {kernel: 3}}, norm, act]}], act: silu, channels: 8}\n"
        "outputs: a4\n"
    ).nodes["a4"]

    assert node.edges[0].down == (
        op("down", "strided_conv", kernel=3),
        op("norm", "batch_norm"),
        op("act", "silu"),
    )


def test_an_operator_with_null_has_no_settings() -> None:
    node = graph("inputs: P3\nnodes: {a3: {inputs: [P3], fusion: {max: null}}}\noutputs: a3\n").nodes["a3"]

    assert node.fusion == op("fusion", "max")


def test_anchors_and_merge_keys_work_and_point_at_what_they_name() -> None:
    text = (
        "inputs: P(3..5)\nnodes:\n"
        "  a3: &node {inputs: [P3, %s], fusion: max}\n  b3: {<<: *node, op: [act]}\noutputs: b3\n"
    )

    assert graph(text % "P3").nodes["b3"].fusion == op("fusion", "max")
    assert refused(text % "P9").splitlines()[:2] == [
        "<text>:5:27: node 'a3' reads 'P9', which does not exist [unresolved-reference]",
        "  5 |   a3: &node {inputs: [P3, P9], fusion: max}",
    ]


REPEATED = "inputs: P(3..4)\nstages: {s: {repeat: 2, nodes: {a4: {inputs: [P4]}}%s}}\noutputs: P4\n"


@pytest.mark.parametrize("outputs", ["", ", outputs: a4", ", outputs: [a4]", ", outputs: null"])
def test_a_stage_that_repeats_has_to_rebind(outputs: str) -> None:
    assert refused(REPEATED % outputs).splitlines() == [
        "<text>:4:14: a stage with 'repeat' needs 'outputs', a mapping that rebinds the names that its nodes read "
        "[repeat-without-outputs]",
        f"  4 | {(REPEATED % outputs).splitlines()[1]}",
        "    |              ^^^^^^",
        "  hint: such as 'outputs: {P(3..7): out(l)}'",
    ]


def test_a_mapping_whose_ranges_are_empty_is_one_that_rebinds() -> None:
    assert list(graph(REPEATED % ", outputs: {Q(4..3): a4}").nodes) == []


@pytest.mark.parametrize(
    ("second", "line"),
    [("a4: {inputs: [P3]}", 5), ("P3: {inputs: [P4]}", 3), ("Q3: {inputs: [P4]}", 5)],
    ids=["of a node", "of an input", "of an output"],
)
def test_a_node_cannot_take_a_name_in_scope(second: str, line: int) -> None:
    said = refused(
        "inputs: P(3..4)\nstages:\n"
        "  one: {nodes: {a4: {inputs: [P4]}}, outputs: {a4: a4, Q3: a4}}\n"
        f"  two: {{nodes: {{{second}}}}}\noutputs: P3\n"
    )

    assert said.splitlines()[0] == (
        f"<text>:6:17: node {second[:2]!r} takes a name that is in scope already, from line {line} [name-taken]"
    )


def test_a_name_and_a_family_can_share_their_letters() -> None:
    found = graph("inputs: P3\nnodes: {a: {inputs: [P3], level: 3}, a3: {inputs: [a]}}\noutputs: [a, a3]\n")

    assert found.outputs == {"a": "a", "a3": "a3"}


def test_a_family_may_be_declared_by_several_ranges() -> None:
    found = graph(
        "inputs: P(3..5)\nnodes: {a(3..4): {inputs: [P(l)]}, a5: {inputs: [a(3..4)], fusion: max}}\noutputs: a(3..5)\n"
    )

    assert list(found.nodes) == ["a3", "a4", "a5"]


@pytest.mark.parametrize("setting", ["channels: $(l*8)", "op: [{conv: {kernel: 1, channels: $(l*8)}}]"])
def test_what_a_setting_says_with_l_differs_from_member_to_member(setting: str) -> None:
    found = graph(f"inputs: P(3..4)\nnodes: {{a(3..4): {{inputs: [P(l)], {setting}}}}}\noutputs: a(3..4)\n")

    said = [node.channels or node.op[0].model_dump()["channels"] for node in found.nodes.values()]
    assert said == [24, 32]
