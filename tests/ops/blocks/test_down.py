"""Down-samplers of several convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import fpngraph
from fpngraph.feature import Feature, Size
from fpngraph.ops import Down, Mismatch, Site
from fpngraph.ops.blocks.down import AConv, ADown
from tests.ops.blocks.equations import SITE, Weights, act, assert_close
from tests.ops.contract import assert_exports
from tests.traces import trace

PLACE = (Feature(3, 12),), replace(SITE, channels=16, ratio=2)
EACH = pytest.mark.parametrize("op", [ADown(), AConv()], ids=lambda op: op.name)


def module(op: Down, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    made = op.made(*PLACE).double()
    with torch.no_grad():
        for name, value in (*made.named_parameters(), *made.named_buffers()):
            if value.is_floating_point():
                value.uniform_(0.5, 2) if "var" in name else value.normal_()
    return made


def a_conv(tensors: Mapping[str, Tensor], x: Tensor, training: bool) -> Tensor:
    """The published equation, which is for even sides."""
    y = F.conv2d(F.avg_pool2d(x, 2, 1), tensors["cv1.strided_conv.weight"], stride=2, padding=1)
    return act(Weights(tensors, training).norm("cv1.norm", y))


def a_down(tensors: Mapping[str, Tensor], x: Tensor, training: bool) -> Tensor:
    """The published equation, which is for even sides."""
    w = Weights(tensors, training)
    a, b = F.avg_pool2d(x, 2, 1).chunk(2, dim=1)
    a = F.conv2d(a, tensors["cv1.strided_conv.weight"], stride=2, padding=1)
    b = F.conv2d(F.max_pool2d(b, 3, 2, 1), tensors["cv2.conv.weight"])
    return torch.cat([act(w.norm("cv1.norm", a)), act(w.norm("cv2.norm", b))], dim=1)


EQUATIONS = {"a_conv": a_conv, "a_down": a_down}


@EACH
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("size", [(8, 6), (2, 12)], ids=str)
def test_of_even_sides_it_is_the_published_equation_with_its_gradients(
    op: Down, size: tuple[int, int], training: bool
) -> None:
    ours = module(op).train(training)
    weights, buffers = dict(ours.named_parameters()), {name: it.clone() for name, it in ours.named_buffers()}
    mine = torch.randn(2, 12, *size, dtype=torch.float64, requires_grad=True)
    by_hand = mine.detach().clone().requires_grad_()

    got = ours(mine, Size(size[0] // 2, size[1] // 2))
    expected = EQUATIONS[op.name]({**weights, **buffers}, by_hand, training)

    assert_close(got, expected)
    weighed = torch.randn_like(got)
    grads = torch.autograd.grad((got * weighed).sum(), [mine, *weights.values()])
    wanted = torch.autograd.grad((expected * weighed).sum(), [by_hand, *weights.values()])
    for grad, want in zip(grads, wanted, strict=True):
        assert_close(grad, want)


@EACH
@pytest.mark.parametrize("size", [(7, 6), (8, 5), (7, 5), (1, 1), (1, 4)], ids=str)
def test_of_an_odd_side_the_last_pixel_is_used_once_more(op: Down, size: tuple[int, int]) -> None:
    ours = module(op).eval()
    x = torch.randn(2, 12, *size, dtype=torch.float64)
    wanted = Size(-(-size[0] // 2), -(-size[1] // 2))
    rows = [*range(size[0]), size[0] - 1][: 2 * wanted.height]
    columns = [*range(size[1]), size[1] - 1][: 2 * wanted.width]

    got = ours(x, wanted)

    assert_close(got, EQUATIONS[op.name](ours.state_dict(), x[:, :, rows][..., columns], training=False))
    assert got.shape == (2, 16, *wanted)


@EACH
def test_it_costs_what_it_has(op: Down) -> None:
    ours = module(op).eval()
    with FlopCounterMode(display=False) as counter:
        ours(torch.randn(1, 12, 7, 6, dtype=torch.float64), Size(4, 3))

    cost = op.cost(*PLACE, Size(7, 6), Size(4, 3))

    assert cost == (sum(value.numel() for value in ours.parameters()), counter.get_total_flops() / 2)


NECK = {
    "fpngraph": 1,
    "name": "down",
    "inputs": "C(3..4)",
    "defaults": {"act": "silu", "fusion": "concat", "resample": {"down": "a_down"}},
    "nodes": {"N4": {"inputs": ["C3", "C4"]}},
    "outputs": ["N4"],
}


def test_in_a_neck_it_keeps_the_channels_and_its_norms_are_folded() -> None:
    neck = fpngraph.build(fpngraph.loads(NECK), in_channels=[12, 8]).double()
    neck.N4.edges.C3.a_down.load_state_dict(replaced(module(ADown()), 12))
    maps = [torch.randn(2, 12, 13, 10, dtype=torch.float64), torch.randn(2, 8, 7, 5, dtype=torch.float64)]
    (expected,) = neck.eval()(maps)

    fused = neck.fuse()
    (got,) = fused(maps)

    assert got.shape == (2, 20, 7, 5)
    assert_close(got, expected)
    assert fused.unfolded == {}
    assert [name for name, part in fused.named_modules() if isinstance(part, nn.BatchNorm2d)] == []


def replaced(larger: nn.Module, channels: int) -> dict[str, Tensor]:
    """The state of a module cut to half of ``channels`` in each of its two parts."""
    state = cast(dict[str, Tensor], larger.state_dict())
    return {name: value[: channels // 2] if value.dim() else value for name, value in state.items()}


def test_a_norm_that_stays_in_it_is_named() -> None:
    neck = fpngraph.build(
        fpngraph.loads(NECK | {"defaults": {**NECK["defaults"], "norm": {"group_norm": {"groups": 2}}}}),
        in_channels=[12, 8],
    )

    assert dict(neck.eval().fuse().unfolded) == {
        "N4.edges.C3.a_down.cv1.norm": "its statistics are those of each image",
        "N4.edges.C3.a_down.cv2.norm": "its statistics are those of each image",
    }


def test_a_conv_says_its_channels_or_keeps_them_and_its_norm_is_folded() -> None:
    said = {"from": "C3", "down": {"a_conv": {"channels": 5}}}
    graph = NECK | {"nodes": {"N4": {"inputs": [said, {"from": "C3", "down": "a_conv"}, "C4"]}}}
    neck = fpngraph.build(fpngraph.loads(graph), in_channels=[12, 8]).double().eval()
    maps = [torch.randn(2, 12, 13, 10, dtype=torch.float64), torch.randn(2, 8, 7, 5, dtype=torch.float64)]

    fused = neck.fuse()

    assert_close(fused(maps)[0], neck(maps)[0])
    assert fused(maps)[0].shape == (2, 5 + 12 + 8, 7, 5)
    assert fused.unfolded == {}
    assert [name for name, part in fused.named_modules() if isinstance(part, nn.BatchNorm2d)] == []


@pytest.mark.slow
@EACH
def test_a_trace_holds_for_other_sizes(op: Down) -> None:
    ours = module(op).eval()
    traced = trace(ours, torch.randn(1, 12, 8, 7, dtype=torch.float64), torch.tensor([4, 4]))

    for height, width in product((5, 8), (6, 9)):
        x = torch.randn(2, 12, height, width, dtype=torch.float64)
        assert_close(traced(x, torch.tensor([0, 0])), ours(x, Size(0, 0)))


@pytest.mark.slow
@pytest.mark.exports
@EACH
def test_an_exported_program_holds_for_other_sizes(op: Down) -> None:
    assert_exports(op, *PLACE, sizes=[(19, 31), (33, 14), (18, 20)])


@pytest.mark.parametrize(
    ("feature", "site", "reason", "hint"),
    [
        (
            Feature(3, 12),
            replace(SITE, ratio=4),
            "goes down by a ratio of 2, but the edge by 4",
            "read from the next finer level, or choose another operator for this edge",
        ),
        (Feature(3, 13), replace(SITE, ratio=2), "takes 13 channels, which 2 does not divide", None),
        (Feature(3, 12), replace(SITE, ratio=2, channels=9), "gives 9 channels, which 2 does not divide", None),
        (Feature(3, 12), Site(ratio=2), "needs the node's 'norm' and 'act'", None),
    ],
    ids=["ratio", "takes", "gives", "no norm"],
)
def test_what_does_not_fit_is_told(feature: Feature, site: Site, reason: str, hint: str | None) -> None:
    with pytest.raises(Mismatch) as caught:
        ADown().infer((feature,), site)

    assert (caught.value.reason, caught.value.hint) == (reason, hint)
