"""What changed from one graph to another."""

from __future__ import annotations

import pytest

import fpngraph
from fpngraph.analysis.changes import Changes, Setting, changes

GRAPH = """\
fpngraph: 1
name: small
params: {up: nearest, channels: 8}
inputs: C(3..5)
defaults: {channels: $channels, resample: {up: $up}}
nodes:
  P(3..5): {inputs: [C(l), P(l+1) | none]}
  all: {inputs: [P3, P4, P5], level: 3, fusion: fast_normalized}
outputs: {out: all, P4: P4}
"""


def found(*edits: tuple[str, str], before: str = GRAPH) -> Changes:
    after = GRAPH
    for one, other in edits:
        assert one in after
        after = after.replace(one, other)
    return changes(fpngraph.loads(before), fpngraph.loads(after))


def test_equal_graphs_have_no_changes_however_they_are_written() -> None:
    told = changes(fpngraph.loads(GRAPH), fpngraph.loads(fpngraph.dump(fpngraph.loads(GRAPH))))

    assert told.none
    assert (told.new_edges, told.gone_edges) == ((), ())


def test_a_setting_that_is_said_and_one_by_default_are_the_same() -> None:
    assert found(("up: nearest", "up: {nearest: {}}")).none


def test_nodes_and_edges_that_come_and_go() -> None:
    told = found(
        ("  all: {inputs: [P3, P4, P5]", "  side: {inputs: [C4], level: 4}\n  all: {inputs: [P3, side, P5, P5]")
    )

    assert (told.new, told.gone) == (("side",), ())
    assert told.nodes["all"].new == ("side", "P5")
    assert told.nodes["all"].gone == ("P4",)
    assert told.nodes["all"].settings == ()
    assert told.new_edges == (("C4", "side"), ("side", "all"), ("P5", "all"))
    assert told.gone_edges == (("P4", "all"),)
    assert not told.none


def test_back_again_what_was_new_is_gone() -> None:
    edited = GRAPH.replace("  all:", "  side: {inputs: [C4, P4], level: 4}\n  all:").replace(
        "P5], level", "side], level"
    )

    there = changes(fpngraph.loads(GRAPH), fpngraph.loads(edited))
    back = changes(fpngraph.loads(edited), fpngraph.loads(GRAPH))

    assert (there.new, there.gone) == (back.gone, back.new) == (("side",), ())
    assert (there.new_edges, there.gone_edges) == (back.gone_edges, back.new_edges)


@pytest.mark.parametrize(
    ("edit", "node", "settings"),
    [
        (("fast_normalized", "softmax"), "all", [Setting("fusion", None, "fast_normalized", "softmax")]),
        (("level: 3", "level: 3, op: [{conv: {kernel: 1}}]"), "all",
         [Setting("op", None, "none", "[{conv: {kernel: 1}}]")]),
        (("level: 3", "level: 3, channels: 16"), "all", [Setting("channels", None, "8", "16")]),
        (("level: 3", "level: 3, padding: same"), "all", [Setting("padding", None, "symmetric", "same")]),
        (("[P3, P4, P5]", "[P5, P4, P3]"), "all", [Setting("order of inputs", None, "P3, P4, P5", "P5, P4, P3")]),
        (("up: nearest", "up: bilinear"), "P4", [Setting("layers", "P5", "[nearest]", "[bilinear]")]),
        (
            ("[P3, P4, P5]", "[P3, P4, {from: P5, project: always}]"), "all",
            [Setting("project", "P5", "{when: auto, norm: false, bias: auto}",
                     "{when: always, norm: false, bias: auto}")],
        ),
        (
            ("level: 3", "level: 4"), "all",
            [
                Setting("level", None, "3", "4"),
                Setting("layers", "P3", "none", "[max_pool]"), Setting("levels", "P3", "3 to 3", "3 to 4"),
                Setting("layers", "P4", "[nearest]", "none"), Setting("levels", "P4", "4 to 3", "4 to 4"),
                Setting("levels", "P5", "5 to 3", "5 to 4"),
            ],
        ),
    ],
    ids=["fusion", "op", "channels", "padding", "order", "resampler", "projection", "level"],
)  # fmt: skip
def test_what_changed_in_a_node_is_told_as_a_file_says_it(
    edit: tuple[str, str], node: str, settings: list[Setting]
) -> None:
    told = found(edit)

    assert list(told.nodes[node].settings) == settings
    assert (told.new, told.gone, told.outputs) == ((), (), {})


def test_one_input_is_another_thing_than_one_by_a_fallback() -> None:
    one = GRAPH.replace("  all:", "  alone: {inputs: [C3], level: 3, op: [conv]}\n  all:").replace(
        "P4: P4", "P4: P4, alone: alone"
    )
    other = one.replace("[C3]", "[C3 | none]")

    told = changes(fpngraph.loads(one), fpngraph.loads(other))

    assert told.nodes["alone"].settings == (Setting("written with one input", None, "yes", "no"),)
    assert not told.none


def test_inputs_and_outputs() -> None:
    told = found(("C(3..5)", "{C3: 3, C4: 4, C5: 5, image: 0}"), ("{out: all, P4: P4}", "{out: P3, P5: P5, a: all}"))

    assert told.inputs == {"image": (None, 0)}
    assert told.outputs == {"out": ("all", "P3"), "P4": ("P4", None), "P5": (None, "P5"), "a": (None, "all")}


def test_inputs_and_outputs_in_another_order() -> None:
    told = found(("inputs: C(3..5)", "inputs: [C4, C3, C5]"), ("{out: all, P4: P4}", "{P4: P4, new: P3, out: all}"))

    assert told.orders == {"inputs": ("C3, C4, C5", "C4, C3, C5"), "outputs": ("out, P4", "P4, out")}
    assert found(("{out: all, P4: P4}", "{P4: P4}")).orders == {}
    assert not found(("inputs: C(3..5)", "inputs: [C4, C3, C5]")).none


def test_another_number_of_runs() -> None:
    told = changes(fpngraph.load("bifpn", repeats=3), fpngraph.load("bifpn", repeats=2))

    assert len(told.gone) == 8
    assert all(name.startswith("bifpn.2.") for name in told.gone)
    assert told.nodes == {}
    assert told.outputs["P3"] == ("bifpn.2.td3", "bifpn.1.td3")
