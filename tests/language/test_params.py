"""Parameters, presets, what the caller overrides, ``$name`` and ``$(...)``."""

from __future__ import annotations

from typing import Any

import pytest

from fpngraph.errors import GraphError
from fpngraph.library import load, loads
from fpngraph.ops import find

BODY = "inputs: P(3..5)\nnodes: {a4: {inputs: [P4], channels: $width, op: $op, act: $act}}\noutputs: a4\n"
HEAD = "fpngraph: 1\nname: test\n"
FILE = (
    HEAD
    + (
        "params: {width: 64, share: 0.5, op: [act], act: silu, bias: true, scales: {4: 2}, open: null}\n"
        "presets: {wide: {width: 128, share: 1, open: 3}, other: {act: relu}}\n"
    )
    + BODY
)


def refused(text: str = FILE, **asked: Any) -> str:
    with pytest.raises(GraphError) as caught:
        loads(text, **asked)
    return str(caught.value)


def node(text: str, name: str = "a4", **asked: Any) -> Any:
    return loads(text, **asked).nodes[name]


@pytest.mark.parametrize(
    ("asked", "width"),
    [
        pytest.param({}, 64, id="default"),
        pytest.param({"preset": "wide"}, 128, id="preset"),
        pytest.param({"preset": "other"}, 64, id="a preset that says nothing of it"),
        pytest.param({"width": 32}, 32, id="override"),
        pytest.param({"preset": "wide", "width": 32}, 32, id="override of a preset"),
    ],
)
def test_the_caller_wins_over_the_preset_and_that_over_the_file(asked: dict[str, Any], width: int) -> None:
    assert node(FILE, **asked).channels == width


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"share": 2}, id="an integer is a number"),
        pytest.param({"preset": "wide", "share": 0.25}, id="the default gives the type, not the preset"),
        pytest.param({"open": "text"}, id="null leaves the type open"),
        pytest.param({"open": {"a": [1]}}, id="for structures too"),
        pytest.param({"preset": "wide", "open": "text"}, id="whatever the preset says"),
        pytest.param({"scales": {3: 1}}, id="mapping"),
        pytest.param({"op": []}, id="list"),
        pytest.param({"act": {"leaky_relu": {"slope": 0.2}}}, id="a mapping for a string"),
        pytest.param({"op": "none"}, id="a string for a list"),
        pytest.param({"scales": [3]}, id="a list for a mapping"),
        pytest.param({"bias": False}, id="boolean"),
    ],
)
def test_a_value_of_the_type_of_the_default_is_taken(asked: dict[str, Any]) -> None:
    assert loads(FILE, **asked).name == "test"


LISTED = (
    "\n  hint: the parameters are width: 64, share: 0.5, op: a list, act: 'silu', bias: true, "
    "scales: a mapping, open: empty"
)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"width": True}, "parameter 'width' is true, but must be an integer, like its default [param-type]"),
        ({"width": 8.0}, "parameter 'width' is 8.0, but must be an integer, like its default [param-type]"),
        ({"width": "8"}, "parameter 'width' is '8', but must be an integer, like its default [param-type]"),
        ({"width": None}, "parameter 'width' is empty, but must be an integer, like its default [param-type]"),
        ({"share": True}, "parameter 'share' is true, but must be a number, like its default [param-type]"),
        ({"bias": 1}, "parameter 'bias' is 1, but must be true or false, like its default [param-type]"),
        ({"act": 3}, "parameter 'act' is 3, but must be a string, a list or a mapping, like its default [param-type]"),
        (
            {"op": True},
            "parameter 'op' is true, but must be a string, a list or a mapping, like its default [param-type]",
        ),
        (
            {"scales": None},
            "parameter 'scales' is empty, but must be a string, a list or a mapping, like its default [param-type]",
        ),
    ],
)
def test_a_value_of_another_type_is_refused(asked: dict[str, Any], expected: str) -> None:
    assert refused(**asked) == expected + LISTED


def test_what_a_string_a_list_or_a_mapping_means_is_checked_where_it_is_used() -> None:
    assert refused(act=["silu"], op="silu") == (
        "<parameters>:1:6: 'act' is a list, but must be the name of an activation, or {name: {settings}} "
        "[wrong-value]\n"
        "  1 | act: [silu]\n    |      ^^^^^^\n"
        "<text>:6:50: 'op' is 'silu' (from '$op'), but must be a list of layers, or 'none' [wrong-value]\n"
        "  6 | nodes: {a4: {inputs: [P4], channels: $width, op: $op, act: $act}}\n"
        "    |                                                  ^^^\n"
        "  hint: write '[silu]'"
    )


def test_what_does_not_exist_is_refused_with_all_that_do() -> None:
    assert refused(preset="wid", widht=3, repeats=1) == (
        "there is no preset 'wid' [unknown-preset]\n"
        "  hint: did you mean 'wide'? There are: wide, other\n"
        "there is no parameter 'widht' [unknown-param]\n"
        "  hint: did you mean 'width'? There are: width, share, op, act, bias, scales, open\n"
        "there is no parameter 'repeats' [unknown-param]\n"
        "  hint: there are: width, share, op, act, bias, scales, open"
    )


def test_a_file_without_presets_says_so() -> None:
    assert refused(HEAD + "inputs: P4\nnodes: {a4: {inputs: [P4]}}\noutputs: a4", preset="d0", x=1) == (
        "there is no preset 'd0' [unknown-preset]\n"
        "  hint: there are none\nthere is no parameter 'x' [unknown-param]\n  hint: there are none"
    )


def test_what_the_caller_gives_is_data() -> None:
    assert refused(act="$op", open=["$(l)"]) == (
        "<parameters>:1:6: a parameter cannot refer to another, but this is '$op' [nested-param]\n"
        "  1 | act: $op\n    |      ^^^\n"
        "<parameters>:2:8: a parameter cannot refer to another, but this is '$(l)' [nested-param]\n"
        "  2 | open: [$(l)]\n    |        ^^^^"
    )


def test_a_value_that_is_no_data_is_refused() -> None:
    assert (
        refused(op=[object()]) == "cannot be written as YAML: a value of type object is no plain data [not-plain-data]"
    )


def test_a_mistake_in_what_the_caller_gives_points_at_it() -> None:
    assert refused(op=[{"conv": {"kernal": 3}}]) == (
        "<parameters>:1:14: unknown key 'kernal' [unknown-key]\n"
        "  1 | op: [{conv: {kernal: 3}}]\n    |              ^^^^^^\n"
        "  hint: did you mean 'kernel'? There are: kernel, channels, dilation, bias, groups"
    )


def test_a_scalar_points_at_where_it_is_used() -> None:
    text = HEAD + "params: {wide: none at all}\ninputs: P4\nnodes: {a4: {inputs: [P4], channels: $wide}}\noutputs: a4\n"

    assert refused(text) == (
        "<text>:5:38: 'channels' is 'none at all' (from '$wide'), but must be a positive integer, or a mapping of "
        "level to number [wrong-value]\n"
        "  5 | nodes: {a4: {inputs: [P4], channels: $wide}}\n"
        "    |                                      ^^^^^"
    )


def test_a_structure_points_at_its_definition_and_once() -> None:
    text = (
        HEAD + "params:\n  op:\n    - {conv: {kernel: 0}}\ninputs: P(3..5)\n"
        "nodes: {a(3..5): {inputs: [P(l)], op: $op}, b4: {inputs: [P4], op: $op}}\noutputs: [a(3..5), b4]\n"
    )

    assert refused(text).splitlines()[0] == "<text>:5:23: 'kernel' is 0, but must be above 0 [wrong-value]"


ANY = HEAD + "params: {x: %s}\ninputs: P(3..5)\nnodes: {a4: {inputs: %s}}\noutputs: a4\n"


@pytest.mark.parametrize(
    ("value", "use", "expected"),
    [
        pytest.param("64", "[P4], channels: $x", {"channels": 64}, id="integer"),
        pytest.param("{4: 32}", "[P4], channels: $x", {"channels": 32}, id="mapping"),
        pytest.param("null", "[P4], channels: $x", {"channels": None}, id="null says nothing"),
        pytest.param("same", "[P4], padding: $x", {"padding": "same"}, id="string"),
        pytest.param("5", "[P4], level: $x", {"level": 5}, id="level"),
        pytest.param("5", "[P4], level: $(x // 2)", {"level": 2}, id="floor division"),
        pytest.param("2", "[P4], level: $(x * l - 5)", {"level": 3}, id="index"),
        pytest.param("7", "[P4], channels: {4: $(x * x)}", {"channels": 49}, id="inside"),
        pytest.param("[P4]", "$x", {"level": 4}, id="list of inputs"),
        pytest.param("{from: P3, project: always}", "[$x]", {"level": 4}, id="edge"),
        pytest.param("P3 | P4", "[$x]", {"level": 4}, id="reference"),
    ],
)
def test_a_parameter_has_any_type_wherever_it_stands(value: str, use: str, expected: dict[str, Any]) -> None:
    found = node(ANY % (value, use))

    assert {key: getattr(found, key) for key in expected} == expected


@pytest.mark.parametrize("value", ["relu", "{leaky_relu: {slope: 0.3}}"])
def test_an_operator_can_be_a_name_or_a_structure(value: str) -> None:
    found = node(ANY % (value, "[P4], op: [act, $x], act: $x"))

    assert [layer.name for layer in found.op] == [value.strip("{").partition(":")[0]] * 2


def test_arithmetic_stands_in_defaults_and_in_settings_of_operators() -> None:
    text = HEAD + (
        "params: {k: 1}\ninputs: P(3..5)\ndefaults: {channels: $(8 * l), fusion: concat}\n"
        "stages:\n  s:\n    defaults: {op: [{conv: {kernel: $(2 * k + l)}}]}\n"
        "    nodes: {a(3..4): {inputs: [{from: P(l+1), project: {channels: $(l)}}]}}\noutputs: a(3..4)\n"
    )

    nodes = loads(text).nodes.values()

    conv = find(["layer"], "conv")
    assert conv is not None
    assert [(n.channels, n.op) for n in nodes] == [(24, (conv(kernel=5),)), (32, (conv(kernel=6),))]
    assert [n.edges[0].projection.channels for n in nodes] == [3, 4]


def test_whole_sections_can_be_parameters() -> None:
    text = HEAD + (
        "params: {i: P(3..5), d: {fusion: max}, n: {a4: {inputs: [P(3..5)]}}, o: [a4], r: 2}\n"
        "inputs: $i\ndefaults: $d\nstages: {s: {repeat: $r, nodes: $n, outputs: {P4: a4}}}\noutputs: P4\n"
    )

    graph = loads(text)

    assert list(graph.nodes) == ["s.0.a4", "s.1.a4"]
    assert {n.fusion.name for n in graph.nodes.values()} == {"max"}


def test_a_dollar_means_nothing_in_the_texts_of_the_head() -> None:
    text = HEAD.replace("test", "$name") + "description: $(cheap)\nsource: $x\n" + BODY.replace("$width", "3")

    graph = loads(text.replace("op: $op, act: $act", "op: none"))

    assert (graph.name, graph.description, graph.source) == ("$name", "$(cheap)", "$x")


def test_presets_are_checked_even_if_nobody_asks_for_them() -> None:
    text = FILE.replace("other: {act: relu}", "other: {act: 3, x: $act}")

    assert refused(text) == (
        "<text>:4:63: preset 'other': parameter 'act' is 3, but must be a string, a list or a mapping, "
        "like its default [param-type]\n"
        "  4 | presets: {wide: {width: 128, share: 1, open: 3}, other: {act: 3, x: $act}}\n"
        "    |                                                               ^" + LISTED + "\n"
        "<text>:4:66: preset 'other': there is no parameter 'x' [unknown-param]\n"
        "  4 | presets: {wide: {width: 128, share: 1, open: 3}, other: {act: 3, x: $act}}\n"
        "    |                                                                  ^\n"
        "  hint: there are: width, share, op, act, bias, scales, open"
    )


def test_the_presets_of_a_shipped_graph() -> None:
    graph = load("bifpn", preset="d1", max=8)

    assert {n.channels for n in graph.nodes.values()} == {88}
    assert max(n.level for n in graph.nodes.values()) == 8


TABLE = (
    HEAD
    + """params: {width: {3: 8, 4: 16, 5: 32}}
presets: {wide: {width: {4: 64, 5: 128}}}
inputs: P(3..5)
defaults: {channels: $width}
nodes:
  a(4..5): {inputs: [P(l)]}
  b(4..5): {inputs: [a(l)], channels: $(width(9 - l) // 2)}
outputs: [a(4..5), b(4..5)]
"""
)


@pytest.mark.parametrize(
    ("asked", "channels"),
    [
        pytest.param({}, [16, 32, 16, 8], id="default"),
        pytest.param({"preset": "wide"}, [64, 128, 64, 32], id="preset"),
        pytest.param({"width": {4: 2, 5: 4}}, [2, 4, 2, 1], id="override"),
        pytest.param({"width": {"4": 2, "5": 4}}, [2, 4, 2, 1], id="keys that JSON made text"),
    ],
)
def test_a_table_is_looked_up_and_is_the_channels_of_levels(asked: dict[str, Any], channels: list[int]) -> None:
    nodes = loads(TABLE, **asked).nodes

    assert [nodes[name].channels for name in ("a4", "a5", "b4", "b5")] == channels


def test_presets_and_callers_replace_a_table_whole() -> None:
    # nothing of 3 and 5 is left of the default
    assert refused(TABLE, width={4: 2}) == (
        "<text>:9:41: 'width' says nothing of 5 [table-entry]\n"
        "  9 |   b(4..5): {inputs: [a(l)], channels: $(width(9 - l) // 2)}\n"
        "    |                                         ^^^^^^^^^^^^\n"
        "  hint: it has 4"
    )
