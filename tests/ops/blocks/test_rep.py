"""Blocks of parallel convolutions are their papers' equations, and one convolution each in the inference form."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from fpngraph.feature import Feature
from fpngraph.ops import Mismatch, Operator
from fpngraph.ops.blocks.rep import CspRep, CspStage, PpStage, RepVgg
from tests.ops.blocks.equations import SITE, Block, Weights, act
from tests.ops.contract import assert_exports


def rep(w: Weights, name: str, x: Tensor) -> Tensor:
    """A RepVGG block, with its third branch where there are weights for it."""
    y = w.cn(f"{name}.branches.conv_kxk", x) + w.cn(f"{name}.branches.conv_1x1", x)
    identity = f"{name}.branches.identity.norm"
    return act(y + w.norm(identity, x) if f"{identity}.weight" in w.tensors else y)


def rep_vgg(w: Weights, x: Tensor, blocks: int = 1) -> Tensor:
    for number in range(blocks):
        x = rep(w, f"{number}", x)
    return x


def csp_rep(w: Weights, x: Tensor, blocks: int = 3, last: bool = False) -> Tensor:
    y = w.cna("sum.main.cv1", x)
    for number in range(blocks):
        y = rep(w, f"sum.main.m.{number}", y)
    y = y + w.cna("sum.cv2", x)
    return w.cna("cv3", y) if last else y


def csp_stage(w: Weights, x: Tensor, blocks: int = 1) -> Tensor:
    y = w.cna("split.main.conv2", x)
    maps = [w.cna("split.conv1", x)]
    for number in range(blocks):
        name = f"split.main.convs.{number}" if number else "split.main.first"
        y = y + w.cna(f"{name}.conv1", rep(w, f"{name}.rep", y))
        maps.append(y)
    return w.cna("conv3", torch.cat(maps, dim=1))


def pp_stage(w: Weights, x: Tensor, blocks: int = 1, spp_after: int | None = None) -> Tensor:
    y = w.cna("split.main.conv2", x)
    for number in range(blocks):
        name = f"split.main.convs.{number}"
        y = rep(w, f"{name}.conv2", w.cna(f"{name}.conv1", y))
        if number == spp_after:
            pooled = [F.max_pool2d(y, side, stride=1, padding=side // 2) for side in (5, 9, 13)]
            y = w.cna("split.main.convs.spp", torch.cat([y, *pooled], dim=1))
    return w.cna("conv3", torch.cat([w.cna("split.conv1", x), y], dim=1))


CASES = {
    "rep_vgg, channels stay": Block(RepVgg(), rep_vgg, 1, 16),
    "rep_vgg, other channels": Block(RepVgg(), rep_vgg, 1, 12),
    "rep_vgg, three": Block(RepVgg(blocks=3), partial(rep_vgg, blocks=3), 3, 12),
    "csp_rep": Block(CspRep(), csp_rep, 5, 12),
    "csp_rep, none": Block(CspRep(blocks=0), partial(csp_rep, blocks=0), 2, 12),
    "csp_rep, narrow": Block(CspRep(expand=0.5), partial(csp_rep, last=True), 6, 12),
    "csp_stage": Block(CspStage(), csp_stage, 5, 12),
    "csp_stage, three": Block(CspStage(blocks=3), partial(csp_stage, blocks=3), 9, 12),
    "csp_stage, narrow": Block(CspStage(blocks=2, expand=0.75), partial(csp_stage, blocks=2), 7, 12),
    "pp_stage": Block(PpStage(), pp_stage, 5, 12),
    "pp_stage, three": Block(PpStage(blocks=3), partial(pp_stage, blocks=3), 9, 12),
    "pp_stage, pooled": Block(PpStage(spp=True), partial(pp_stage, spp_after=0), 6, 12),
    "pp_stage, four, pooled": Block(PpStage(blocks=4, spp=True), partial(pp_stage, blocks=4, spp_after=1), 12, 12),
}


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("name", ["rep_vgg, three", "csp_rep, narrow", "csp_stage, three", "pp_stage, pooled"])
def test_an_exported_program_holds_for_other_sizes(name: str) -> None:
    block = CASES[name]

    assert_exports(block.op, (Feature(3, block.in_channels),), replace(SITE, channels=16), sizes=[(19, 31), (33, 14)])


def test_the_third_branch_is_there_only_where_the_channels_stay() -> None:
    module = RepVgg(blocks=2).made((Feature(3, 12),), replace(SITE, channels=16))

    assert [name for name in module.state_dict() if "identity" in name and name.endswith(".weight")] == [
        "1.branches.identity.norm.weight"
    ]


@pytest.mark.parametrize(
    ("op", "channels", "reason"),
    [
        (CspRep(expand=0.5), 15, "works with 0.5 times the 15 channels that it gives, which is no whole number"),
        (CspStage(), 15, "gives 15 channels, which 2 does not divide"),
        (PpStage(), 15, "gives 15 channels, which 2 does not divide"),
        (CspStage(expand=0.3), 16, "works with 0.3 times the 8 channels that it gives, which is no whole number"),
    ],
    ids=["csp_rep", "csp_stage", "pp_stage", "csp_stage, narrow"],
)
def test_channels_that_cannot_be_shared_are_told(op: Operator, channels: int, reason: str) -> None:
    with pytest.raises(Mismatch) as caught:
        op.infer((Feature(3, 12),), replace(SITE, channels=channels))

    assert caught.value.reason == reason
