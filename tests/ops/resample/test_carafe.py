from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from fpngraph.feature import Feature, Size
from fpngraph.ops import Cost, Site
from fpngraph.ops.resample.carafe import Carafe
from tests.necks import maps, neck_of
from tests.ops.equations import assert_equals

C4 = (Feature(4, 6),)


def built(op: Carafe, ratio: int) -> Any:
    torch.manual_seed(0)
    return op.build(C4, Site(ratio=ratio)).double()


def convolved(x: Tensor, conv: Any) -> Tensor:
    """A convolution of stride 1 that keeps the size, tap by tap."""
    side = conv.kernel_size[0]
    before, (height, width) = (side - 1) // 2, x.shape[2:]
    padded = x.new_zeros(*x.shape[:2], height + side - 1, width + side - 1)
    padded[:, :, before : before + height, before : before + width] = x
    taps = [
        torch.einsum("bchw,oc->bohw", padded[:, :, i : i + height, j : j + width], conv.weight[:, :, i, j])
        for i in range(side)
        for j in range(side)
    ]
    y: Tensor = torch.stack(taps).sum(0) + conv.bias.view(-1, 1, 1)
    return y


def reassembled(x: Tensor, module: Any, ratio: int, kernel: int) -> Tensor:
    """Pixel by pixel: of pixel (i, j) the weights are a channel of the pixel that it lies in, in groups of ratio^2."""
    said = convolved(convolved(x, module.channel_compressor), module.content_encoder)
    batch, channels, height, width = x.shape
    rows = []
    for i in range(height * ratio):
        row = []
        for j in range(width * ratio):
            within = i % ratio * ratio + j % ratio
            logits = said[:, within :: ratio**2, i // ratio, j // ratio]
            weights = logits.exp() / logits.exp().sum(1, keepdim=True)
            pixel = x.new_zeros(batch, channels)
            for place in range(kernel**2):
                up = i // ratio + place // kernel - (kernel - 1) // 2
                across = j // ratio + place % kernel - (kernel - 1) // 2
                if 0 <= up < height and 0 <= across < width:
                    pixel = pixel + weights[:, place, None] * x[:, :, up, across]
            row.append(pixel)
        rows.append(torch.stack(row, dim=2))
    return torch.stack(rows, dim=2)


@pytest.mark.parametrize(("ratio", "kernel", "encoder"), [(2, 5, 3), (4, 3, 1), (2, 4, 2)], ids=str)
def test_each_pixel_is_a_mean_of_those_around_by_weights_of_its_own(ratio: int, kernel: int, encoder: int) -> None:
    module = built(Carafe(kernel=kernel, encoder=encoder, compressed=3), ratio)
    size = (3 * ratio, 4 * ratio)

    class Sized(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.own = module

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = module(x, size)
            return y

    x = torch.randn(2, 6, 3, 4, dtype=torch.float64)
    assert_equals(Sized(), lambda x: reassembled(x, module, ratio, kernel), x)


def test_weights_of_zero_make_the_mean_of_the_square() -> None:
    module = built(Carafe(kernel=3), 2)
    for parameter in module.parameters():
        parameter.data.zero_()

    y = module(torch.ones(1, 6, 3, 3, dtype=torch.float64), (6, 6))

    assert y[0, 0, ::2, ::2].mul(9).round().tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]
    assert torch.equal(y[..., ::2, ::2], y[..., 1::2, 1::2])


def test_a_map_comes_out_as_it_lies_in_memory() -> None:
    module = built(Carafe(), 2)
    x = torch.randn(2, 6, 3, 4, dtype=torch.float64)

    assert module(x, (6, 8)).is_contiguous()
    assert module(x.to(memory_format=torch.channels_last), (6, 8)).is_contiguous(memory_format=torch.channels_last)


def test_a_batch_of_no_image_gives_none() -> None:
    assert built(Carafe(), 2)(torch.zeros(0, 6, 3, 4).double(), (6, 8)).shape == (0, 6, 6, 8)


def test_cost_by_hand() -> None:
    cost = Carafe().cost((Feature(4, 256),), Site(ratio=2), Size(10, 20), Size(20, 40))

    compressor, encoder = 256 * 64, 64 * 100 * 9
    assert cost == Cost(compressor + 64 + encoder + 100, (compressor + encoder + 256 * 100) * 200)


def test_channels_stay_what_they_are() -> None:
    assert Carafe().infer(C4, Site(ratio=2, channels=8)) == Feature(3, 6)


def test_in_the_inference_form_it_does_the_same() -> None:
    neck = neck_of("out4: {inputs: [P4, {from: P5, up: [carafe, norm]}], op: [conv, norm, act]}", outputs="out4")

    fused = neck.fuse()

    assert dict(fused.unfolded) == {"out4.edges.P5.norm": "follows no convolution that could take it in"}
    given = maps(neck, 88, 112)
    torch.testing.assert_close(fused(given), neck(given), rtol=1e-5, atol=1e-5)
