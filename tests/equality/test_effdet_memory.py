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


def held(neck: nn.Module, memory_format: torch.memory_format = torch.contiguous_format) -> int:
    """Bytes that one step holds at most, gradients of maps and parameters included."""
    maps = [
        torch.randn(1, channels, *(side // 2**level for side in IMAGE_SIZE))
        .to(memory_format=memory_format)
        .requires_grad_()
        for level, channels in enumerate(IN_CHANNELS, 3)
    ]
    with torch.no_grad():
        gradients = [torch.randn_like(y) for y in neck(list(maps))]
    own = [*maps, *gradients, *neck.parameters(), *neck.buffers()]
    return peak_bytes(lambda: torch.autograd.backward(neck(list(maps)), gradients), own)


@cache
def held_by_effdet() -> int:
    return held(effdet_neck(D0, IN_CHANNELS, IMAGE_SIZE))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lean", "memory_format", "share"),
    [
        pytest.param(False, torch.channels_last, 0.64, id="default, channels_last"),
        pytest.param(False, torch.contiguous_format, 0.66, id="default, whose outputs are laid out anew"),
        pytest.param(True, torch.channels_last, 0.28, id="lean, channels_last"),
        pytest.param(True, torch.contiguous_format, 0.28, id="lean, whose outputs are laid out anew"),
    ],
)
def test_a_training_step_holds_a_share_of_the_memory(
    lean: bool, memory_format: torch.memory_format, share: float
) -> None:
    neck = fpngraph.build(fpngraph.load("bifpn", preset="d0", padding="same"), IN_CHANNELS, lean=lean)

    assert held(neck, memory_format) <= share * held_by_effdet()
