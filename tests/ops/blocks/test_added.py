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
from tests.ops.blocks.equations import SITE, Block, Weights, act
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


CASES = {
    "basic_block": Block(BasicBlock(), basic_block, 2, 16),
    "basic_block, two": Block(BasicBlock(blocks=2), partial(basic_block, blocks=2), 4, 16),
    "cib": Block(Cib(), cib, 5, 16),
    "cib, large": Block(Cib(large=True), partial(cib, large=True), 5, 16),
    "cib, wide": Block(Cib(expand=1, shortcut=False), partial(cib, hidden=32, shortcut=False), 5, 16),
}


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
