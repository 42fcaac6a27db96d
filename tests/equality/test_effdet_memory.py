"""A training step of EfficientDet-D0's neck holds far less memory than effdet's."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import nn

import fpngraph
from fpngraph.bench.memory import peak_bytes
from tests.equality.effdet_reference import Options, effdet_neck

D0 = Options(fpn_channels=64, fpn_cell_repeats=3, pad_type="same")
IN_CHANNELS, IMAGE_SIZE = (40, 112, 320), (512, 512)


def held(neck: nn.Module) -> int:
    """Bytes that one step holds at most, gradients of maps and parameters included."""
    maps = [
        torch.randn(1, channels, *(side // 2**level for side in IMAGE_SIZE)).requires_grad_()
        for level, channels in enumerate(IN_CHANNELS, 3)
    ]
    with torch.no_grad():
        gradients = [torch.randn_like(y) for y in neck(list(maps))]
    own = [*maps, *gradients, *neck.parameters(), *neck.buffers()]
    return peak_bytes(lambda: torch.autograd.backward(neck(list(maps)), gradients), own)


@cache
def held_by_effdet() -> int:
    return held(effdet_neck(D0, IN_CHANNELS, IMAGE_SIZE))


@pytest.mark.parametrize(("lean", "share"), [(False, 0.71), (True, 0.31)], ids=["default", "lean"])
def test_a_training_step_holds_a_share_of_the_memory(lean: bool, share: float) -> None:
    neck = fpngraph.build(fpngraph.load("bifpn", preset="d0", padding="same"), IN_CHANNELS, lean=lean)

    assert held(neck) <= share * held_by_effdet()
