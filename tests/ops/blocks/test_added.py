"""Residual blocks and compact inverted blocks are their papers' equations."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from torch import Tensor

from fpngraph.feature import Feature
from fpngraph.ops import Mismatch, Operator
from fpngraph.ops.blocks.inverted import Cib
from fpngraph.ops.blocks.residual import BasicBlock
from tests.ops.blocks.equations import (
    SITE,
    Equation,
    Weights,
    act,
    assert_counted,
    assert_equals,
    assert_folds,
    assert_traces,
)
from tests.ops.contract import assert_exports


def basic_block(w: Weights, x: Tensor, blocks: int = 1) -> Tensor:
    for number in range(blocks):
        name = f"{number}.residual"
        x = act(x + w.cn(f"{name}.conv2", w.cna(f"{name}.conv1", x)))
    return x


def cib(w: Weights, x: Tensor, hidden: int = 16, large: bool = False, shortcut: bool = True) -> Tensor:
    y = w.cna("block.cv2", w.cna("block.cv1", x, groups=x.shape[1]))
    if large:
        branches = "block.cv3.branches"
        y = act(w.cn(f"{branches}.conv", y, groups=hidden) + w.cn(f"{branches}.conv1", y, groups=hidden))
    else:
        y = w.cna("block.cv3", y, groups=hidden)
    y = w.cna("block.cv4", y)
    y = w.cna("block.cv5", y, groups=y.shape[1])
    return x + y if shortcut else y


# a block, its equation, the convolutions of its inference form
CASES = {
    "basic_block": (BasicBlock(), basic_block, 2),
    "basic_block, two": (BasicBlock(blocks=2), partial(basic_block, blocks=2), 4),
    "cib": (Cib(), cib, 5),
    "cib, large": (Cib(large=True), partial(cib, large=True), 5),
    "cib, wide": (Cib(expand=1, shortcut=False), partial(cib, hidden=32, shortcut=False), 5),
}
EACH = pytest.mark.parametrize(("op", "equation", "convolutions"), CASES.values(), ids=CASES)


@EACH
def test_a_block_is_its_equation_in_both_modes_with_gradients(
    op: Operator, equation: Equation, convolutions: int
) -> None:
    assert_equals(op, 16, 16, equation)


@EACH
def test_a_block_costs_what_it_has(op: Operator, equation: Equation, convolutions: int) -> None:
    assert_counted(op, 16, 16)


@EACH
def test_the_inference_form_has_convolutions_only(op: Operator, equation: Equation, convolutions: int) -> None:
    assert_folds(op, 16, 16, convolutions)


@pytest.mark.slow
@EACH
def test_a_trace_holds_for_other_sizes(op: Operator, equation: Equation, convolutions: int) -> None:
    assert_traces(op, 16, 16)


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("op", [BasicBlock(), Cib(large=True)], ids=["basic_block", "cib"])
def test_an_exported_program_holds_for_other_sizes(op: Operator) -> None:
    assert_exports(op, (Feature(3, 16),), replace(SITE, channels=16), sizes=[(19, 31), (33, 14)])


def test_without_the_map_added_the_channels_may_change() -> None:
    place = (Feature(3, 12),), replace(SITE, channels=16)

    assert Cib(shortcut=False).infer(*place) == Feature(3, 16)


@pytest.mark.parametrize("op", [BasicBlock(), Cib()], ids=["basic_block", "cib"])
def test_other_channels_cannot_be_added(op: Operator) -> None:
    with pytest.raises(Mismatch) as caught:
        op.infer((Feature(3, 12),), replace(SITE, channels=16))

    assert (caught.value.reason, caught.value.hint) == (
        "takes 12 channels and adds 16 to them",
        "put a convolution of 16 channels before it",
    )
