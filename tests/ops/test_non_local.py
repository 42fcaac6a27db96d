from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from fpngraph.feature import Feature, Size
from fpngraph.ops import Cost, Site
from fpngraph.ops.attention import NonLocal
from tests.necks import maps, neck_of
from tests.ops.equations import MODES, assert_equals, built


@pytest.mark.parametrize("scale", [True, False], ids=["scaled", "not scaled"])
@pytest.mark.parametrize("training", MODES.values(), ids=MODES)
def test_it_is_the_non_local_block_of_the_paper_without_a_norm(training: bool, scale: bool) -> None:
    module: Any = built(NonLocal(reduction=3, scale=scale), 12).train(training)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.sub_(0.8)

    def linear(x: Tensor, conv: Any) -> Tensor:
        return x @ conv.weight.flatten(1).T + conv.bias

    def equation(x: Tensor) -> Tensor:
        images = []
        for image in x.flatten(2).transpose(1, 2):
            alike = linear(image, module.theta) @ linear(image, module.phi).T
            weights = torch.exp(alike / math.sqrt(4) if scale else alike)
            seen = weights / weights.sum(1, keepdim=True) @ linear(image, module.g)
            images.append(image + linear(seen, module.conv_out))
        return torch.stack(images).transpose(1, 2).reshape(2, 12, 4, 5)

    assert_equals(module, equation, torch.randn(2, 12, 4, 5, dtype=torch.float64))


def test_cost_by_hand() -> None:
    cost = NonLocal().cost((Feature(4, 256),), Site(), Size(10, 20), Size(10, 20))

    weights = 4 * 256 * 128
    assert cost == Cost(weights + 3 * 128 + 256, weights * 200 + 2 * 128 * 200 * 200)


@pytest.mark.parametrize(("channels", "reduction", "hidden"), [(12, 1, 12), (12, 2, 6), (3, 4, 1)])
def test_channels_inside_are_a_part_of_the_maps(channels: int, reduction: int, hidden: int) -> None:
    module: Any = NonLocal(reduction=reduction).build((Feature(4, channels),), Site())

    assert module.g.out_channels == module.conv_out.in_channels == hidden


def test_a_batch_of_no_image_gives_none() -> None:
    assert built(NonLocal(), 12)(torch.zeros(0, 12, 4, 5).double()).shape == (0, 12, 4, 5)


def test_in_the_inference_form_it_does_the_same() -> None:
    neck = neck_of("out4: {inputs: [P4, P5], op: [conv, norm, act, non_local]}", outputs="out4")

    fused = neck.fuse()

    assert fused.unfolded == {}
    given = maps(neck, 64, 96)
    torch.testing.assert_close(fused(given), neck(given), rtol=1e-5, atol=1e-5)
