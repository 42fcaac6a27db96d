"""The kernels and groups of blocks, which equations take from the weights, are the published ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torch import nn

from fpngraph.feature import Feature
from fpngraph.ops import Operator
from fpngraph.ops.blocks.bep import BepC3
from fpngraph.ops.blocks.csp import C3, A2C2f, C2f, SppCspc
from fpngraph.ops.blocks.elan import Elan, RepElan
from fpngraph.ops.blocks.inverted import Cib
from fpngraph.ops.blocks.rep import CspRep, CspStage, PpStage, RepVgg
from fpngraph.ops.blocks.residual import BasicBlock
from tests.ops.blocks.equations import SITE

NESTED = "1 3 3 3 3 1 1"  # a c3 of two pairs
KERNELS = {
    "c3": (C3(), "1 1 3 1 1"),
    "c3, 3x3": (C3(block="bottleneck33"), "1 3 3 1 1"),
    "c3, cspnext": (C3(block="cspnext"), "1 3 5d 1 1 1"),
    "c3, ghost": (C3(block="ghost"), "1 1 5d 1 5d 1 1"),
    "c2f": (C2f(), "1 3 3 1"),
    "c2f, narrow": (C2f(block="narrow"), "1 3 3 1"),
    "c2f, c3": (C2f(block="c3"), f"1 {NESTED} 1"),
    "c2f, cib": (C2f(block="cib"), "1 3d 1 3d 1 3d 1"),
    "c2f, large cib": (C2f(block="large_cib"), "1 3d 1 7d 3d 1 3d 1"),
    "a2c2f": (A2C2f(), f"1 {NESTED} 1"),
    "rep_vgg": (RepVgg(), "3 1"),
    "csp_rep": (CspRep(blocks=1), "1 3 1 1"),
    "csp_stage": (CspStage(), "1 1 3 1 3 1"),
    "pp_stage": (PpStage(), "1 1 3 3 1 1"),
    "pp_stage, pooled": (PpStage(spp=True), "1 1 3 3 1 1 1"),
    "bep_c3": (BepC3(), "1 3 1 3 1 1 1"),
    "bep_c3, conv": (BepC3(block="conv"), "1 3 3 1 1"),
    "elan": (Elan(blocks=2), "1 3 3 1 1"),
    "elan, deep": (Elan(blocks=2, depth=2), "1 3 3 3 3 1 1"),
    "sppcspc": (SppCspc(), "1 3 1 1 3 1 1"),
    "rep_elan": (RepElan(), "1 1 3 1 3 1 1 3 1 3 1 3 1 1 3 1"),
    "cib": (Cib(), "3d 1 3d 1 3d"),
    "cib, large": (Cib(large=True), "3d 1 7d 3d 1 3d"),
    "basic_block": (BasicBlock(), "3 3"),
}


@pytest.mark.parametrize(("op", "kernels"), KERNELS.values(), ids=KERNELS)
def test_kernels_are_the_published_ones(op: Operator, kernels: str) -> None:
    module = op.made((Feature(3, 16),), replace(SITE, channels=16))
    convs = [part for part in module.modules() if isinstance(part, nn.Conv2d)]

    assert " ".join(f"{conv.kernel_size[0]}{'d' * (conv.groups > 1)}" for conv in convs) == kernels
    assert all(conv.groups in (1, conv.in_channels) and conv.bias is None for conv in convs)
