"""The inference form of a neck whose modules somebody has edited: what the neck gives, or the module is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.layers.conv import SeparableConv2d
from fpngraph.layers.fusion.weighted import FastNormalized, Softmax
from fpngraph.layers.node import Edge, Node
from fpngraph.layers.resample.interpolate import Interpolate
from tests.fused_graphs import as_trained, assert_fused_equals, neck
from tests.necks import maps


class Shifted(FastNormalized):
    def forward(self, maps: Any) -> Tensor:
        return super().forward(maps) + 3


class Negated(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return -super().forward(x)


class Backwards(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        for module in reversed(list(self)):
            x = module(x)
        return x


class Doubling(Edge):
    def forward(self, x: Tensor, size: Any) -> Tensor:
        return super().forward(x, size) * 2


class Late(Node):
    def forward(self, size: Any, *given: Tensor) -> Tensor:
        return super().forward(size, *given) + 1


class Mirrored(Interpolate):
    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        return super().forward(x, size).flip(-1)


class Halved(nn.Module):
    def forward(self, x: Tensor, size: Any) -> Tensor:
        return x / 2


def put(path: str, module: nn.Module) -> Callable[[fpngraph.Neck], object]:
    return lambda neck: neck.set_submodule(path, module)


def deriving(path: str, kind: type[nn.Module]) -> Callable[[fpngraph.Neck], object]:
    """The module at ``path`` as one of a class that derives from its own."""
    return lambda neck: setattr(neck.get_submodule(path), "__class__", kind)


TANH = "no rule for its class torch.nn.modules.activation.Tanh"
EDITS: dict[str, tuple[Callable[[fpngraph.Neck], object], dict[str, str]]] = {
    "appended": (
        lambda n: n.a.op.append(nn.Tanh()),
        {"a.op.3": TANH},
    ),
    "inserted-norm": (lambda n: n.a.op.insert(2, as_trained(nn.BatchNorm2d(4))), {}),
    "first-removed": (lambda n: n.a.op.__delitem__(0), {"a.op.norm": "follows no convolution that could take it in"}),
    "norm-removed": (lambda n: n.a.op.__delitem__(1), {}),
    "all-removed": (put("a.op", nn.Sequential()), {}),
    "convolution-put-there": (put("a.op.act", nn.Conv2d(4, 4, 3, padding=1).double()), {}),
    "one-module-for-the-op": (
        put("c.op", nn.Tanh()),
        {"c.op": TANH},
    ),
    "class-of-the-op": (deriving("a.op", Backwards), {"a.op": f"no rule for its class {__name__}.Backwards"}),
    "class-of-an-edge": (
        deriving("a.edges.P4", Doubling),
        {"a.edges.P4": f"no rule for its class {__name__}.Doubling"},
    ),
    "class-of-a-node": (deriving("b", Late), {"b": f"no rule for its class {__name__}.Late"}),
    "class-of-a-fusion": (deriving("a.fusion", Shifted), {"a.fusion": f"no rule for its class {__name__}.Shifted"}),
    "class-of-a-resampler": (
        deriving("a.edges.P4.nearest", Mirrored),
        {"a.edges.P4.nearest": f"no rule for its class {__name__}.Mirrored"},
    ),
    "class-of-a-convolution": (
        deriving("a.op.conv", Negated),
        {
            "a.op.conv": f"no rule for its class {__name__}.Negated",
            "a.op.norm": "follows no convolution that could take it in",
        },
    ),
    "class-of-an-inner-convolution": (
        deriving("b.op.separable_conv.pointwise", Negated),
        {
            "b.op.separable_conv": f"no rule for its class {__name__}.Negated",
            "b.op.norm": "follows no convolution that could take it in",
        },
    ),
    "separable-for-an-inner-convolution": (
        put("b.op.separable_conv.depthwise", SeparableConv2d(4, 4).double()),
        {"b.op.separable_conv": "no rule for its class fpngraph.layers.conv.SeparableConv2d"},
    ),
    "edge-replaced": (put("c.edges.a", Halved()), {"c.edges.a": f"no rule for its class {__name__}.Halved"}),
    "edge-emptied": (put("b.edges.P4", Edge()), {}),
    "step-replaced": (put("b.edges.P4.project.conv", nn.Conv2d(4, 4, 3, padding=1).double()), {}),
    "step-appended": (
        lambda n: n.a.edges[0].append(nn.Conv2d(4, 4, 1).double()),
        {"a.edges.P3.0": "no rule for its class torch.nn.modules.conv.Conv2d"},
    ),
    "projection-appended-to": (
        lambda n: n.b.edges.P4.project.append(nn.Tanh()),
        {"b.edges.P4.project.2": TANH},
    ),
    "norm-of-a-projection-removed": (lambda n: n.b.edges.P4.project.__delitem__(1), {}),
    "convolution-of-a-projection-replaced": (
        put("b.edges.P4.project.conv", nn.Conv2d(4, 4, 3, padding=1).double()),
        {},
    ),
    "projection-replaced": (
        put("b.edges.P4.project", nn.Conv2d(4, 4, 1).double()),
        {},
    ),
    "fusion-of-other-count": (
        put("c.fusion", Softmax(2).double()),
        {"c.fusion": "no rule for its class fpngraph.layers.fusion.weighted.Softmax"},
    ),
}


@pytest.mark.parametrize(("edit", "unfolded"), EDITS.values(), ids=EDITS)
def test_an_edited_neck_is_fused_as_it_is_now(
    edit: Callable[[fpngraph.Neck], object], unfolded: dict[str, str]
) -> None:
    edited = neck()
    edit(edited)

    fused = assert_fused_equals(edited)

    assert fused.unfolded == unfolded


def test_layers_put_in_and_taken_out_by_hand_leave_the_keys_of_the_others() -> None:
    edited = neck()
    before = {name: tensor.clone() for name, tensor in edited.state_dict().items()}
    op = edited.a.op

    op.append(nn.Conv2d(4, 4, 1).double())
    op.insert(0, nn.PReLU().double())
    del op[3]  # the activation
    del edited.c.op[1]  # its one convolution

    after = edited.state_dict()
    assert [name for name, _ in op.named_children()] == ["4", "conv", "norm", "3"]
    assert {*after} - {*before} == {"a.op.3.weight", "a.op.3.bias", "a.op.4.weight"}
    assert {*before} - {*after} == {"c.op.conv.weight"}
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items() if name in after)
    assert assert_fused_equals(edited).unfolded == {
        "a.op.4": "no rule for its class torch.nn.modules.activation.PReLU",
        "c.op.norm": "follows no convolution that could take it in",
    }


def test_a_neck_as_it_was_built_leaves_nothing() -> None:
    assert assert_fused_equals(neck()).unfolded == {}


def test_a_node_with_more_edges_than_the_graph_has_is_named_and_fails_as_the_neck_does() -> None:
    edited = neck()
    edited.get_submodule("c.edges").append(Edge())

    fused = edited.fuse()

    assert fused.unfolded == {"c": "has 3 edges, but the graph has 2"}
    for module in (edited, fused):
        with pytest.raises(ValueError):
            module(maps(edited, 64, 64, dtype=torch.float64))
