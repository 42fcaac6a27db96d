"""A neck's weights survive an edit of its graph, node by node."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import fpngraph
from fpngraph import Changed, Matched, load_matching
from fpngraph.weights.state import StateError

GRAPH = """
fpngraph: 1
name: one sweep
inputs: P(3..5)
defaults: {channels: 8, fusion: fast_normalized, op: [act, separable_conv, norm]}
stages:
  cell:
    repeat: 1
    nodes:
      td(3..4): {inputs: [P(l), td(l+1) | P(l+1)]}
    outputs: {P(3..5): td(l) | P(l)}
outputs: P(3..5)
"""
CHANNELS = [4, 6, 8]
FAMILY = "td(3..4): {inputs: [P(l), td(l+1) | P(l+1)]}"


def build(*edits: tuple[str, str]) -> fpngraph.Neck:
    """A neck of the graph with edits of its text, every tensor of it drawn."""
    text = GRAPH
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return drawn(fpngraph.build(fpngraph.loads(text), in_channels=CHANNELS))


def drawn(module: nn.Module) -> nn.Module:
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape))
    return module


def assert_taken(
    module: nn.Module, state: dict[str, torch.Tensor], before: dict[str, torch.Tensor], names: set[str]
) -> None:
    """The tensors below these names are those of ``state``, all others those of ``before``."""
    for name, tensor in module.state_dict().items():
        taken = any(name.startswith(f"{unit}.") for unit in names)
        assert torch.equal(tensor, (state if taken else before)[name]), name


def copied(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def test_an_unchanged_graph_takes_all() -> None:
    state, neck = copied(build()), build()

    matched = load_matching(neck, state)

    assert matched == Matched(taken=("cell.0.td4", "cell.0.td3"), changed={}, missing=(), unexpected=())
    assert_taken(neck, state, {}, set(matched.taken))


def test_a_node_with_one_more_edge_keeps_what_it_had_and_the_others_are_taken() -> None:
    state, neck = copied(build()), build((FAMILY, "td4: {inputs: [P4, P5]}\n      td3: {inputs: [P3, td4, P5]}"))
    before = copied(neck)

    matched = load_matching(neck, state)

    changed = {"cell.0.td3": (Changed("cell.0.td3.fusion.weight", (2,), (3,)),)}
    assert matched == Matched(taken=("cell.0.td4",), changed=changed, missing=(), unexpected=())
    assert_taken(neck, state, before, {"cell.0.td4"})


def test_another_run_is_missing_and_one_less_is_unexpected() -> None:
    once, twice = build(), build(("repeat: 1", "repeat: 2"))

    assert load_matching(twice, copied(once)).missing == ("cell.1.td4", "cell.1.td3")
    assert load_matching(once, copied(twice)).unexpected == ("cell.1.td4", "cell.1.td3")


def test_a_node_of_another_name_is_told_on_both_sides() -> None:
    state = copied(build())
    neck = build(
        (FAMILY, "td4: {inputs: [P4, P5]}\n      u3: {inputs: [P3, td4]}"),
        ("td(l) |", "u(l) | td(l) |"),
    )
    before = copied(neck)

    matched = load_matching(neck, state)

    assert matched == Matched(taken=("cell.0.td4",), changed={}, missing=("cell.0.u3",), unexpected=("cell.0.td3",))
    assert_taken(neck, state, before, {"cell.0.td4"})


def test_a_node_is_taken_whole_or_not_at_all() -> None:
    state, neck = copied(build()), build()
    del state["cell.0.td4.fusion.weight"]
    before = copied(neck)

    matched = load_matching(neck, state)

    assert matched.changed == {"cell.0.td4": (Changed("cell.0.td4.fusion.weight", None, (2,)),)}
    assert_taken(neck, state, before, {"cell.0.td3"})


def test_parts_beside_the_neck_are_loaded_module_by_module() -> None:
    old = nn.ModuleDict({"neck": build(), "head": nn.Sequential(nn.Linear(8, 2), nn.Linear(2, 5))})
    new = nn.ModuleDict(
        {"neck": build(("repeat: 1", "repeat: 2")), "head": nn.Sequential(nn.Linear(8, 2), nn.Linear(2, 3))}
    )
    state, before = copied(drawn(old)), copied(drawn(new))

    matched = load_matching(new, state)

    assert matched == Matched(
        taken=("neck.cell.0.td4", "neck.cell.0.td3", "head.0"),
        changed={"head.1": (Changed("head.1.weight", (5, 2), (3, 2)), Changed("head.1.bias", (5,), (3,)))},
        missing=("neck.cell.1.td4", "neck.cell.1.td3"),
        unexpected=(),
    )
    assert_taken(new, state, before, set(matched.taken))


@pytest.mark.parametrize("name", ["fusion", "edges", "op"])
def test_a_node_may_have_the_name_of_a_part_of_one(name: str) -> None:
    text = f"""
        fpngraph: 1
        name: names of parts
        inputs: P3
        defaults: {{channels: 8, fusion: fast_normalized, op: [conv]}}
        stages: {{{name}: {{nodes: {{{name}: {{inputs: [P3, P3], level: 3}}}}}}}}
        outputs: {{out: {name}}}
    """
    neck = fpngraph.build(fpngraph.loads(text), in_channels=[4])

    matched = load_matching(neck, copied(neck))

    assert matched.taken == (f"{name}.{name}",)


def test_as_text_it_is_a_summary() -> None:
    old, new = build(("repeat: 1", "repeat: 3")), build((FAMILY, "td(3..4): {inputs: [P(l)]}"))

    matched = load_matching(new, copied(old))

    assert str(matched) == (
        "0 taken; 2 changed: 'cell.0.td3' ('cell.0.td3.fusion.weight' is [2], not [1]), "
        "'cell.0.td4' ('cell.0.td4.fusion.weight' is [2], not [1]); "
        "4 unexpected: 'cell.1.td4', 'cell.1.td3', 'cell.2.td4' and 1 more"
    )


@pytest.mark.parametrize(
    ("state", "found"),
    [
        pytest.param("weights.pth", "str", id="path"),
        pytest.param({"model": {}, "epoch": 3}, "a mapping of 'model', 'epoch'", id="checkpoint"),
    ],
)
def test_what_is_no_state_dict_is_refused_instead_of_matching_nothing(state: Any, found: str) -> None:
    with pytest.raises(StateError) as raised:
        load_matching(build(), state)

    assert str(raised.value) == (
        f"state is {found}, but must be a state dict, names with a tensor each\n"
        "  hint: torch.load(path, weights_only=True) reads a file; a checkpoint has one as one of its entries"
    )
