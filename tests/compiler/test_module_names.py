"""Names: of modules, keys and values of a compiled neck, and those that a graph may not use."""

from __future__ import annotations

import builtins
import keyword

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import fpngraph
from fpngraph.layers.named import Named
from fpngraph.layers.node import Node
from fpngraph.reserved import RESERVED
from tests.necks import GRAPHS, shipped


@pytest.mark.parametrize("name", GRAPHS)
def test_module_paths_are_the_full_names_of_the_nodes(name: str) -> None:
    neck = shipped(name)

    paths = [path for path, module in neck.named_modules() if isinstance(module, Node)]

    assert sorted(paths) == sorted(neck.source_graph.nodes)


def test_keys_of_the_state_dict_say_node_part_and_step() -> None:
    graph = fpngraph.load("bifpn", repeats=1)
    neck = fpngraph.build(graph, in_channels=[40, 112, 320])

    keys = [key for key in neck.state_dict() if key.startswith("bifpn.0.td5.") and key.endswith(".weight")]

    assert keys == [
        "bifpn.0.td5.edges.P5.project.conv.weight",
        "bifpn.0.td5.edges.P5.project.norm.weight",
        "bifpn.0.td5.fusion.weight",
        "bifpn.0.td5.op.separable_conv.depthwise.weight",
        "bifpn.0.td5.op.separable_conv.pointwise.weight",
        "bifpn.0.td5.op.norm.weight",
    ]


NAMES_IN_CODE = """
self torch device inf nan NoneType fx_pytree getattr list match a_ a__x a_1 op edges fusion unpack
features maps maps_1 outputs size size3 self_ fpngraph_compiler_runtime_unpack fpngraph_compiler_runtime_pack
fpngraph_compiler_runtime_size_of
"""


@pytest.mark.parametrize("name", NAMES_IN_CODE.split())
def test_a_node_and_an_input_may_have_any_name_that_is_not_reserved(name: str) -> None:
    plain = fpngraph.loads(_three("plain", "given"))
    named, given = fpngraph.loads(_three(name, "given")), fpngraph.loads(_three("plain", name))
    expected = fpngraph.build(plain, [4])
    x = torch.randn(1, 4, 8, 8)

    for graph in (named, given):
        neck = fpngraph.build(graph, [4])
        neck.load_state_dict(dict(zip(neck.state_dict(), expected.state_dict().values(), strict=True)))
        torch.testing.assert_close(neck([x]), expected([x]))


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True) | st.sampled_from(
    [*dir(builtins), *keyword.kwlist, *keyword.softkwlist, *sorted(RESERVED), "in3", "None0", "l3", "none3"]
)


@given(node=NAMES, given_map=NAMES, stage=NAMES)
@settings(max_examples=150, deadline=None)
def test_every_name_that_check_accepts_compiles_and_runs(node: str, given_map: str, stage: str) -> None:
    text = f"""
fpngraph: 1
name: names
inputs: {{"{given_map}": 3}}
stages:
  "{stage}":
    repeat: 2
    nodes:
      "{node}": {{inputs: ["{given_map}"], level: 4, channels: 2, op: [conv]}}
    outputs: {{x: "{node}"}}
outputs: [x]
"""
    try:
        graph = fpngraph.loads(text)
    except fpngraph.GraphError:
        return  # the names are the same, reserved, or no names

    neck = fpngraph.build(graph, [2])

    assert neck([torch.randn(1, 2, 4, 4)])[0].shape == (1, 2, 2, 2)
    assert isinstance(neck.get_submodule(next(iter(graph.nodes))), Node)


def test_full_names_that_are_equal_but_for_dots_stay_apart() -> None:
    graph = fpngraph.loads(
        """
        fpngraph: 1
        name: dots
        inputs: [P3]
        stages:
          a: {nodes: {b_c: {inputs: [P3], level: 4}}}
          a_b: {nodes: {c: {inputs: [b_c], level: 5}}}
        outputs: [b_c, c]
        """
    )

    outs = fpngraph.build(graph, [4])([torch.randn(1, 4, 8, 8)])

    assert [tuple(y.shape[-2:]) for y in outs] == [(4, 4), (2, 2)]


AWKWARD = "fusion op edges keys items values project weight norm act conv sources resampler named get index state"


@pytest.mark.parametrize("name", AWKWARD.split())
@pytest.mark.parametrize("fusion", ["sum", "softmax"])
@pytest.mark.parametrize("of_node", [False, True], ids=["input", "node"])
def test_nodes_and_inputs_may_be_called_like_parts_of_modules(name: str, fusion: str, of_node: bool) -> None:
    given, node = ("P3", name) if of_node else (name, "b")
    text = f"""
        fpngraph: 1
        name: awkward
        inputs: {{{given}: 3, P4: 4}}
        defaults: {{channels: 4, fusion: {fusion}}}
        nodes:
          a: {{inputs: [{given}, P4, {given}], level: 3, op: [{{conv: {{bias: false}}}}]}}
          {node}: {{inputs: [a, {given}], level: 4, op: [{{conv: {{kernel: 1}}}}]}}
          c: {{inputs: [{{from: {node}, project: always}}, a], level: 4}}
        outputs: [c, {node}]
    """
    neck = fpngraph.build(fpngraph.loads(text), [2, 2]).eval()
    maps = [torch.randn(1, 2, 8, 8), torch.randn(1, 2, 4, 4)]

    weights = [key for key in neck.state_dict() if key.endswith("weight") and not key.endswith("fusion.weight")]
    assert weights == [
        f"a.edges.{given}.project.conv.weight",
        "a.edges.P4.project.conv.weight",
        f"a.edges.{given}_2.project.conv.weight",
        "a.op.conv.weight",
        f"{node}.edges.{given}.project.conv.weight",
        f"{node}.op.conv.weight",
        f"c.edges.{node}.project.conv.weight",
    ]
    learned = {f"{it}.fusion.weight" for it in ("a", node, "c")} if fusion == "softmax" else set()
    assert {*neck.state_dict()} - {f"{key.rpartition('.')[0]}.bias" for key in weights} == {*weights} | learned
    torch.testing.assert_close(neck.fuse()(maps), neck(maps), rtol=1e-5, atol=1e-5)


def _three(node: str, given: str) -> str:
    """A graph of three nodes, the second of which has the name ``node``, and of an input called ``given``."""
    return f"""
fpngraph: 1
name: names
inputs: {{{given}: 3}}
defaults: {{channels: 4}}
nodes:
  first: {{inputs: [{given}], level: 4, op: [conv]}}
  {node}: {{inputs: [first, {given}], level: 3, op: [conv]}}
  last: {{inputs: [{node}, {given}], level: 3, op: [conv]}}
outputs: [last, {node}]
"""


@pytest.mark.parametrize("fused", [False, True], ids=["neck", "fused"])
def test_every_name_that_a_neck_needs_for_itself_is_reserved(fused: bool) -> None:
    neck = shipped("fpn").fuse() if fused else shipped("fpn")
    # an edge is called after its source, in a list
    needed = {*dir(neck), *vars(neck), *dir(nn.Module()), *dir(nn.Sequential()), *dir(Named())}
    needed -= set(neck.source_graph.nodes)
    for ancestor in type(neck).__mro__:
        needed |= {*vars(ancestor), *getattr(ancestor, "__annotations__", {})}

    missing = {name for name in needed if not name.startswith("_") and not keyword.iskeyword(name)} - RESERVED

    assert {name for name in missing if name.isidentifier()} == set()
