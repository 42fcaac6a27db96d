"""Weights of effdet's necks find their places by the graph, each exactly once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import fpngraph
from fpngraph.efficientdet.neck_weights import neck_state_from_effdet

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
# One cell of two levels: node 2 reads the maps 0 and 1, node 3 the maps 1 and 2. Map 0 has the neck's channels.
MODULES = {
    "bifpn.0.td3.edges.P4.project.norm": "cell.0.fnode.0.combine.resample.1.conv.bn",
    "bifpn.0.td3.op.norm": "cell.0.fnode.0.after_combine.conv.bn",
    "bifpn.0.out4.edges.P4.project.norm": "cell.0.fnode.1.combine.resample.1.conv.bn",
    "bifpn.0.out4.op.norm": "cell.0.fnode.1.after_combine.conv.bn",
}
NAMES = {
    "bifpn.0.td3.fusion.weight": "cell.0.fnode.0.combine.edge_weights",
    "bifpn.0.td3.edges.P4.project.conv.weight": "cell.0.fnode.0.combine.resample.1.conv.conv.weight",
    "bifpn.0.td3.op.separable_conv.depthwise.weight": "cell.0.fnode.0.after_combine.conv.conv_dw.weight",
    "bifpn.0.td3.op.separable_conv.pointwise.weight": "cell.0.fnode.0.after_combine.conv.conv_pw.weight",
    "bifpn.0.out4.fusion.weight": "cell.0.fnode.1.combine.edge_weights",
    "bifpn.0.out4.edges.P4.project.conv.weight": "cell.0.fnode.1.combine.resample.1.conv.conv.weight",
    "bifpn.0.out4.op.separable_conv.depthwise.weight": "cell.0.fnode.1.after_combine.conv.conv_dw.weight",
    "bifpn.0.out4.op.separable_conv.pointwise.weight": "cell.0.fnode.1.after_combine.conv.conv_pw.weight",
    **{f"{ours}.{leaf}": f"{theirs}.{leaf}" for ours, theirs in MODULES.items() for leaf in NORM},
}


def small_neck(**params: object) -> fpngraph.Neck:
    graph = fpngraph.load("bifpn", min=3, backbone_max=4, max=4, channels=4, repeats=1, **params)
    return fpngraph.build(graph, in_channels=[4, 6])


def small_state() -> dict[str, Tensor]:
    """effdet's state for the small neck, every value its own."""
    torch.manual_seed(0)
    wanted = small_neck().state_dict()
    return {theirs: torch.rand(wanted[ours].shape) for ours, theirs in NAMES.items()}


def assert_refused(state: dict[str, Tensor], neck: fpngraph.Neck, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        neck_state_from_effdet(state, neck)

    assert str(caught.value) == message


def test_every_tensor_gets_the_name_of_its_place() -> None:
    state, neck = small_state(), small_neck()

    imported = neck_state_from_effdet(state, neck)

    assert list(imported) == list(neck.state_dict())
    assert {ours: tensor is state[NAMES[ours]] for ours, tensor in imported.items()} == dict.fromkeys(NAMES, True)
    neck.load_state_dict(imported)


def test_a_cell_reads_the_levels_that_the_backbone_lacks_and_then_the_cell_before() -> None:
    # With only an activation, a level of another width is what has weights.
    params = {"fusion": "sum", "op": ["act"], "project": {"norm": False}}
    graph = fpngraph.load("bifpn", min=4, max=6, channels=4, repeats=2, **params)
    neck = fpngraph.build(graph, in_channels=[6, 8])
    names = {
        "coarse.P6.edges.P5.project.conv": "resample.2.conv.conv",
        "bifpn.0.td5.edges.P5.project.conv": "cell.0.fnode.0.combine.resample.1.conv.conv",
        "bifpn.0.td4.edges.P4.project.conv": "cell.0.fnode.1.combine.resample.0.conv.conv",
        "bifpn.0.out5.edges.P5.project.conv": "cell.0.fnode.2.combine.resample.1.conv.conv",
    }
    pairs = {f"{ours}.{leaf}": f"{theirs}.{leaf}" for ours, theirs in names.items() for leaf in ("weight", "bias")}
    wanted = neck.state_dict()
    state = {theirs: torch.rand(wanted[ours].shape) for ours, theirs in pairs.items()}

    imported = neck_state_from_effdet(state, neck)

    assert {ours: tensor is state[pairs[ours]] for ours, tensor in imported.items()} == dict.fromkeys(pairs, True)


def test_a_tensor_that_is_missing_is_named() -> None:
    state = small_state()
    del state["cell.0.fnode.1.combine.edge_weights"]

    assert_refused(
        state,
        small_neck(),
        "the weights of effdet's neck do not fit graph 'BiFPN':\n  1 missing: 'cell.0.fnode.1.combine.edge_weights'",
    )


def test_a_tensor_that_is_left_over_is_named() -> None:
    state = small_state() | {"cell.1.fnode.0.combine.edge_weights": torch.ones(2)}

    assert_refused(
        state,
        small_neck(),
        "the weights of effdet's neck do not fit graph 'BiFPN':\n  1 unexpected: 'cell.1.fnode.0.combine.edge_weights'",
    )


def test_a_tensor_of_another_shape_is_named_with_both_shapes() -> None:
    state = small_state() | {"cell.0.fnode.0.combine.edge_weights": torch.ones(3)}

    assert_refused(
        state,
        small_neck(),
        "the weights of effdet's neck do not fit graph 'BiFPN':\n"
        "  1 of another shape: 'cell.0.fnode.0.combine.edge_weights' is [3], not [2]",
    )


def test_weights_of_a_fusion_do_not_fit_a_graph_that_sums() -> None:
    assert_refused(
        small_state(),
        small_neck(fusion="sum"),
        "the weights of effdet's neck do not fit graph 'BiFPN':\n"
        "  2 unexpected: 'cell.0.fnode.0.combine.edge_weights', 'cell.0.fnode.1.combine.edge_weights'",
    )


def test_layers_that_effdet_does_not_have_are_named() -> None:
    neck = fpngraph.build(fpngraph.load("fpn", min=5, max=5, channels=4), in_channels=[4])

    assert_refused(
        {},
        neck,
        "the weights of effdet's neck do not fit graph 'FPN':\n"
        "  2 of ours without a counterpart: 'P5.op.conv.weight', 'P5.op.conv.bias'\n"
        "  2 missing: 'resample.1.conv.conv.weight', 'resample.1.conv.conv.bias'",
    )


def test_an_edge_that_the_graph_has_twice_is_named() -> None:
    graph = fpngraph.loads(
        """
        fpngraph: 1
        name: twice
        inputs: P3
        defaults: {channels: 4}
        stages: {cell: {repeat: 1, nodes: {a3: {inputs: [P3, P3]}}, outputs: {P3: a3}}}
        outputs: P3
        """
    )
    state = {"cell.0.fnode.0.combine.resample.0.conv.conv.weight": torch.rand(4, 6, 1, 1)}

    assert_refused(
        state | {"cell.0.fnode.0.combine.resample.0.conv.conv.bias": torch.rand(4)},
        fpngraph.build(graph, in_channels=[6]),
        "the weights of effdet's neck do not fit graph 'twice':\n"
        "  2 with several counterparts of ours: 'cell.0.fnode.0.combine.resample.0.conv.conv.weight', "
        "'cell.0.fnode.0.combine.resample.0.conv.conv.bias'",
    )
