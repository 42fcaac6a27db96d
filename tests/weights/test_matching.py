"""A neck's weights survive an edit of its graph, tensor by tensor."""

from __future__ import annotations

import copy
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
defaults: {channels: 8, fusion: fast_normalized, op: [separable_conv, norm]}
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
REORDERED = ("[P(l), td(l+1) | P(l+1)]", "[td(l+1) | P(l+1), P(l)]")
LAST = ("outputs: P(3..5)", "outputs: [P3, P4, P5]")


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


def copied(module: nn.Module) -> dict[str, torch.Tensor]:
    """The state dict with tensors of its own, and with all that it says beside them."""
    return copy.deepcopy(module.state_dict())


def assert_taken(matched: Matched, module: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """All that is said to be taken has the values of ``state``."""
    after = module.state_dict()
    for name in matched.taken:
        assert torch.equal(after[name], state[name]), name


def test_an_unchanged_graph_takes_all() -> None:
    state, neck = copied(build()), build()

    matched = load_matching(neck, state)

    assert matched == Matched(taken=tuple(state), changed=(), missing=(), unexpected=())
    assert_taken(matched, neck, state)


NORM_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
EDITS = {
    "activation-in-front": (("op: [separable_conv, norm]", "op: [act, separable_conv, norm]"), ()),
    "another-activation": (("op: [separable_conv, norm]", "act: mish, op: [separable_conv, norm, act]"), ()),
    "another-norm": (("op:", "norm: {group_norm: {groups: 2}}, op:"), NORM_STATISTICS),
    "another-fusion": (("fast_normalized", "softmax"), ()),
    "another-resampler": (("op:", "resample: {up: bilinear}, op:"), ()),
    "another-resampler-with-layers": (("op:", "resample: {up: [act, nearest]}, op:"), ()),
    "another-order-of-steps": (("op:", "resample: {order: resample_first}, op:"), ()),
}


@pytest.mark.parametrize(("edit", "gone"), EDITS.values(), ids=EDITS)
def test_an_edit_of_something_else_moves_no_weight(edit: tuple[str, str], gone: tuple[str, ...]) -> None:
    state, neck = copied(build()), build(edit)

    matched = load_matching(neck, state)

    left = tuple(name for name in state if name.endswith(gone)) if gone else ()
    assert (matched.changed, matched.missing, matched.unexpected) == ((), (), left)
    assert set(matched.taken) == {*state} - {*left} == {*neck.state_dict()}
    assert_taken(matched, neck, state)


def test_inputs_in_another_order_keep_their_weights_in_the_fusion() -> None:
    state, neck = copied(build()), build(REORDERED)

    matched = load_matching(neck, state)

    assert matched == Matched(tuple(neck.state_dict()), changed=(), missing=(), unexpected=())
    after = neck.state_dict()
    for name, tensor in state.items():
        assert torch.equal(after[name], tensor.flip(0) if name.endswith("fusion.weight") else tensor), name


def test_a_projection_that_gains_a_bias_keeps_its_weight() -> None:
    state, neck = copied(build(("op:", "resample: {project: {bias: false}}, op:"))), build()
    before = copied(neck)

    matched = load_matching(neck, state)

    biases = tuple(f"cell.0.{path}.project.conv.bias" for path in ("td4.edges.P4", "td3.edges.P3"))
    assert (matched.changed, matched.missing, matched.unexpected) == ((), biases, ())
    assert "cell.0.td4.edges.P4.project.conv.weight" in matched.taken
    assert_taken(matched, neck, state)
    assert all(torch.equal(neck.state_dict()[name], before[name]) for name in biases)


def test_a_second_convolution_in_front_of_the_first_moves_its_weight() -> None:
    state, neck = copied(build()), build(("op: [", "op: [separable_conv, "))

    matched = load_matching(neck, state)

    assert [name.partition("td3.op.")[2] for name in matched.missing if "td3" in name] == [
        "separable_conv.pointwise.bias",  # no norm comes right after the new one
        "separable_conv_2.depthwise.weight",
        "separable_conv_2.pointwise.weight",
    ]
    assert_taken(matched, neck, state)


def test_a_map_more_keeps_the_weights_of_the_others() -> None:
    state, neck = copied(build()), build((FAMILY, "td4: {inputs: [P4, P5]}\n      td3: {inputs: [P5, td4, P3]}"))
    before = copied(neck)

    matched = load_matching(neck, state)

    weight = "cell.0.td3.fusion.weight"
    assert matched == Matched(tuple(state), changed=(), missing=(f"{weight}[P5]",), unexpected=())
    first, second = state[weight]  # of P3 and td4
    assert neck.state_dict()[weight].tolist() == [before[weight][0], second, first]


def test_a_map_less_keeps_the_weights_of_the_others() -> None:
    state, neck = copied(build((FAMILY, "td4: {inputs: [P4, P5]}\n      td3: {inputs: [P5, P3, td4]}"))), build()

    matched = load_matching(neck, state)

    weight = "cell.0.td3.fusion.weight"
    assert matched == Matched(tuple(state), changed=(), missing=(), unexpected=(f"{weight}[P5]",))
    assert torch.equal(neck.state_dict()[weight], state[weight][1:])


def test_a_map_in_the_place_of_another_starts_with_the_weight_that_it_had() -> None:
    old = (FAMILY, "td4: {inputs: [P4, P5]}\n      td3: {inputs: [P3, P4]}")
    new = (FAMILY, "td4: {inputs: [P4, P5]}\n      td3: {inputs: [P5, P3]}")
    state, neck = copied(build(old, LAST)), build(new, LAST)
    before = copied(neck)

    matched = load_matching(neck, state)

    weight, projection = "cell.0.td3.fusion.weight", "cell.0.td3.edges.P4.project.conv"
    assert (matched.missing, matched.changed) == ((f"{weight}[P5]",), ())
    assert matched.unexpected == (f"{projection}.weight", f"{projection}.bias", f"{weight}[P4]")
    assert neck.state_dict()[weight].tolist() == [before[weight][0], state[weight][0]]


def test_weights_of_other_maps_altogether_are_not_taken() -> None:
    old = (FAMILY, "td4: {inputs: [P4, P5]}\n      td3: {inputs: [P3, P4]}")
    new = (FAMILY, "td4: {inputs: [P4, P5]}\n      td3: {inputs: [td4, P5]}")
    state, neck = copied(build(old, LAST)), build(new, LAST)
    before = copied(neck)

    matched = load_matching(neck, state)

    weight = "cell.0.td3.fusion.weight"
    assert weight not in matched.taken
    assert matched.missing == (f"{weight}[td4]", f"{weight}[P5]")
    assert matched.unexpected[-2:] == (f"{weight}[P3]", f"{weight}[P4]")
    assert torch.equal(neck.state_dict()[weight], before[weight])


def test_weights_that_know_no_maps_are_taken_by_position_if_they_are_as_many() -> None:
    fewer = build((FAMILY, "td4: {inputs: [P4]}\n      td3: {inputs: [P3, td4]}"))
    neck = build(REORDERED)
    before, plain = copied(neck), dict(copied(fewer))

    matched = load_matching(neck, plain)

    four, three = "cell.0.td4.fusion.weight", "cell.0.td3.fusion.weight"
    assert matched.changed == (Changed(four, (1,), (2,)),)
    assert torch.equal(neck.state_dict()[four], before[four])
    assert torch.equal(neck.state_dict()[three], plain[three])


def test_another_run_is_missing_and_one_less_is_unexpected() -> None:
    once, twice = build(), build(("repeat: 1", "repeat: 2"))
    second = tuple(name for name in twice.state_dict() if name.startswith("cell.1."))

    # the inputs of the graph have fewer channels than the maps of a run, so that only the first has projections
    assert load_matching(twice, copied(once)).missing == second != ()
    assert load_matching(once, copied(twice)).unexpected == second


def test_a_node_of_another_name_is_told_on_both_sides() -> None:
    state = copied(build())
    neck = build((FAMILY, "td4: {inputs: [P4, P5]}\n      u3: {inputs: [P3, td4]}"), ("td(l) |", "u(l) | td(l) |"))
    before = copied(neck)

    matched = load_matching(neck, state)

    assert matched.changed == ()
    assert matched.missing == tuple(name for name in before if ".u3." in name)
    assert matched.unexpected == tuple(name for name in state if ".td3." in name)
    assert_taken(matched, neck, state)
    assert all(torch.equal(neck.state_dict()[name], before[name]) for name in matched.missing)


def test_parts_beside_the_neck_are_loaded_tensor_by_tensor_too() -> None:
    old = nn.ModuleDict({"neck": build(), "head": nn.Sequential(nn.Linear(8, 2), nn.Linear(2, 5))})
    new = nn.ModuleDict(
        {
            "neck": build(REORDERED),
            "head": nn.Sequential(nn.Linear(8, 2, bias=False), nn.Linear(2, 3)),
        }
    )
    state, before = copied(drawn(old)), copied(drawn(new))

    matched = load_matching(new, state)

    assert matched.changed == (Changed("head.1.weight", (5, 2), (3, 2)), Changed("head.1.bias", (5,), (3,)))
    assert (matched.missing, matched.unexpected) == ((), ("head.0.bias",))
    after, weight = new.state_dict(), "neck.cell.0.td3.fusion.weight"
    assert torch.equal(after["head.0.weight"], state["head.0.weight"])
    assert torch.equal(after["head.1.weight"], before["head.1.weight"])
    assert torch.equal(after[weight], state[weight].flip(0))


def test_as_text_it_is_a_summary() -> None:
    old = nn.ModuleDict({"neck": build(("repeat: 1", "repeat: 2")), "head": nn.Linear(8, 2)})
    new = nn.ModuleDict({"neck": build((FAMILY, "td(3..4): {inputs: [P(l)]}")), "head": nn.Linear(8, 3)})

    matched = load_matching(new, copied(old))

    assert str(matched) == (
        "20 taken; 2 changed: 'head.weight' is [2, 8], not [3, 8], 'head.bias' is [2], not [3]; "
        "18 unexpected: 'neck.cell.1.td4.fusion.weight', 'neck.cell.1.td4.op.separable_conv.depthwise.weight', "
        "'neck.cell.1.td4.op.separable_conv.pointwise.weight' and 15 more"
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
