"""Stages that join what each of their convolutions gives are their papers' equations."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from fpngraph.feature import Feature
from fpngraph.ops import Mismatch, Operator
from fpngraph.ops.blocks.elan import Elan, RepElan
from tests.ops.blocks.equations import SITE, Block, Weights, act
from tests.ops.contract import assert_exports


def elan(w: Weights, x: Tensor, blocks: int = 4, depth: int = 1) -> Tensor:
    maps = [w.cna("split.cv1", x), w.cna("split.main.cv2", x)]
    for number in range(blocks):
        name = f"split.main.m.{number}"
        y = w.cna(name, maps[-1])
        maps.append(y if depth == 1 else w.cna(name, y, number=2))
    return w.cna("cv3", torch.cat(maps[::-1], dim=1))


def csp(w: Weights, name: str, x: Tensor, blocks: int, shortcut: bool) -> Tensor:
    y = w.cna(f"{name}.split.main.cv1", x)
    for number in range(blocks):
        block = f"{name}.split.main.m.{number}"
        branches = f"{block}.cv1.branches"
        z = w.cna(f"{block}.cv2", act(w.cn(f"{branches}.conv_kxk", y) + w.cn(f"{branches}.conv_1x1", y)))
        y = y + z if shortcut else z
    return w.cna(f"{name}.cv3", torch.cat([y, w.cna(f"{name}.split.cv2", x)], dim=1))


def rep_elan(w: Weights, x: Tensor, blocks: int = 1, shortcut: bool = True) -> Tensor:
    maps = list(w.cna("cv1", x).chunk(2, dim=1))
    for name in ("m.cv2", "m.cv3"):
        maps.append(w.cna(f"{name}.conv", csp(w, f"{name}.csp", maps[-1], blocks, shortcut)))
    return w.cna("cv4", torch.cat(maps, dim=1))


CASES = {
    "elan": Block(Elan(), elan, 7),
    "elan, none": Block(Elan(blocks=0), partial(elan, blocks=0), 3),
    "elan, two": Block(Elan(blocks=2), partial(elan, blocks=2), 5),
    "elan, deep": Block(Elan(blocks=3, depth=2, expand=0.75, half=False), partial(elan, blocks=3, depth=2), 9),
    "rep_elan": Block(RepElan(), rep_elan, 14),
    "rep_elan, none": Block(RepElan(blocks=0), partial(rep_elan, blocks=0), 10),
    "rep_elan, wide": Block(RepElan(expand=1.5), rep_elan, 14),
    "rep_elan, two": Block(RepElan(blocks=2, shortcut=False), partial(rep_elan, blocks=2, shortcut=False), 18),
}


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("op", [Elan(), RepElan()], ids=["elan", "rep_elan"])
def test_an_exported_program_holds_for_other_sizes(op: Operator) -> None:
    assert_exports(op, (Feature(3, 12),), replace(SITE, channels=16), sizes=[(19, 31), (33, 14)])


@pytest.mark.parametrize(
    ("op", "channels", "reason"),
    [
        (Elan(), 15, "gives 15 channels, which 2 does not divide"),
        (RepElan(expand=0.3), 16, "works with 0.3 times the 16 channels that it gives, which is no whole number"),
        (RepElan(), 18, "works with 18 channels, which 4 does not divide"),
    ],
    ids=["elan", "a part", "rep_elan"],
)
def test_channels_that_cannot_be_shared_are_told(op: Operator, channels: int, reason: str) -> None:
    with pytest.raises(Mismatch) as caught:
        op.infer((Feature(3, 12),), replace(SITE, channels=channels))

    assert caught.value.reason == reason
