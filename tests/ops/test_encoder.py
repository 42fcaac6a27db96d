from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fpngraph.feature import Feature, Size
from fpngraph.layers.encoder import EncoderLayer as LayerModule
from fpngraph.layers.encoder import sine_positions
from fpngraph.ops import Cost, Mismatch, Site
from fpngraph.ops.encoder import EncoderLayer
from tests.necks import maps, neck_of
from tests.ops.equations import MODES, assert_equals, built


def position(row: int, column: int, channels: int, order: str) -> list[float]:
    """The position of one pixel, number by number."""
    quarter = channels // 4
    omega = [1 / 10000 ** (i / quarter) for i in range(quarter)]
    of_row = [math.sin(row * it) for it in omega] + [math.cos(row * it) for it in omega]
    of_column = [math.sin(column * it) for it in omega] + [math.cos(column * it) for it in omega]
    return of_row + of_column if order == "h_first" else of_column + of_row


@pytest.mark.parametrize("order", ["h_first", "w_first"])
def test_positions_are_sines_and_cosines_of_row_and_column(order: Any) -> None:
    found = sine_positions(torch.zeros(2, 12, 3, 5, dtype=torch.float64), order)

    expected = [position(row, column, 12, order) for row in range(3) for column in range(5)]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=1e-12)


def test_positions_are_right_in_half_precision_too() -> None:
    fine = sine_positions(torch.zeros(1, 64, 2, 300), "h_first")

    coarse = sine_positions(torch.zeros(1, 64, 2, 300, dtype=torch.bfloat16), "h_first")

    assert coarse.dtype == torch.bfloat16
    assert (coarse.float() - fine).abs().max() < 0.004, "a pixel's number is not counted in bfloat16"


def normalised(x: Tensor, norm: Any) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * norm.weight + norm.bias


def attended(x: Tensor, positions: Tensor, attention: Any, heads: int) -> Tensor:
    """Each head by itself, one image after the other."""
    query, key, value = attention.in_proj_weight.chunk(3)
    of_query, of_key, of_value = attention.in_proj_bias.chunk(3)
    width = x.shape[-1] // heads
    images = []
    for image in x:
        seen = []
        for head in range(heads):
            own = slice(head * width, (head + 1) * width)
            q = (image + positions) @ query[own].T + of_query[own]
            k = (image + positions) @ key[own].T + of_key[own]
            scores = torch.exp(q @ k.T / math.sqrt(width))
            seen.append(scores / scores.sum(1, keepdim=True) @ (image @ value[own].T + of_value[own]))
        images.append(torch.cat(seen, dim=1) @ attention.out_proj.weight.T + attention.out_proj.bias)
    return torch.stack(images)


def gelu(x: Tensor) -> Tensor:
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


@pytest.mark.parametrize("order", ["h_first", "w_first"])
@pytest.mark.parametrize("training", MODES.values(), ids=MODES)
def test_it_is_an_encoder_layer_of_rt_detr(order: Any, training: bool) -> None:
    module: Any = built(EncoderLayer(heads=3, hidden=10, layers=2, order=order), 12).train(training)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.sub_(0.8)
    positions = [position(row, column, 12, order) for row in range(4) for column in range(5)]

    def equation(x: Tensor) -> Tensor:
        pixels = x.permute(0, 2, 3, 1).reshape(2, 20, 12)
        for layer in module.layers:
            where = torch.tensor(positions, dtype=x.dtype)
            pixels = normalised(pixels + attended(pixels, where, layer.self_attn, 3), layer.norm1)
            hidden = gelu(pixels @ layer.linear1.weight.T + layer.linear1.bias)
            pixels = normalised(pixels + hidden @ layer.linear2.weight.T + layer.linear2.bias, layer.norm2)
        return pixels.reshape(2, 4, 5, 12).permute(0, 3, 1, 2)

    assert_equals(module, equation, torch.randn(2, 12, 4, 5, dtype=torch.float64))


@pytest.mark.parametrize("training", MODES.values(), ids=MODES)
def test_without_positions_it_is_torchs_own_layer_with_its_names_and_its_dropout(training: bool) -> None:
    theirs = nn.TransformerEncoderLayer(12, 3, 20, dropout=0.4, activation="gelu", batch_first=True).train(training)
    ours = LayerModule(12, 20, 3, nn.GELU(), 0.4).train(training)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 30, 12)  # of one image: theirs draws in another order of pixels and images
    found = []

    for call in (lambda: theirs(x), lambda: ours(x, torch.zeros(30, 12))):
        torch.manual_seed(0)
        found.append(call())

    torch.testing.assert_close(found[1], found[0], rtol=1e-5, atol=1e-6)


def test_hidden_channels_are_four_times_the_maps_and_the_activation_is_the_one_said() -> None:
    module: Any = EncoderLayer(act={"leaky_relu": {"slope": 0.5}}).build((Feature(5, 16),), Site())

    layer = module.layers[0]
    assert (layer.linear1.out_features, layer.self_attn.num_heads, layer.norm1.eps) == (64, 8, 1e-5)
    assert repr(layer.act) == "LeakyReLU(negative_slope=0.5)"


def test_cost_by_hand() -> None:
    cost = EncoderLayer(hidden=1024).cost((Feature(5, 256),), Site(), Size(20, 20), Size(20, 20))

    weights = 4 * 256 * 256 + 2 * 256 * 1024
    assert cost == Cost(weights + 4 * 256 + 1024 + 256 + 4 * 256, weights * 400 + 2 * 400 * 400 * 256)


@pytest.mark.parametrize(
    ("channels", "heads", "reason", "hint"),
    [
        (30, 3, "takes 30 channels, but its positions need a multiple of 4", None),
        (30, 4, "takes 30 channels, but its positions need a multiple of 4", None),
        (20, 8, "takes 20 channels, but its 8 heads need a multiple of 8", "set 'heads' to a divisor of 20"),
    ],
    ids=["positions", "positions, as many as heads", "heads"],
)
def test_channels_that_do_not_fit_are_refused(channels: int, heads: int, reason: str, hint: str | None) -> None:
    with pytest.raises(Mismatch) as caught:
        EncoderLayer(heads=heads).infer((Feature(5, channels),), Site())

    assert (caught.value.reason, caught.value.hint) == (reason, hint)


def test_in_the_inference_form_it_runs_as_it_is_and_its_norms_are_named() -> None:
    neck = neck_of("out4: {inputs: [P4, P5], op: [{encoder_layer: {heads: 2}}, {conv: {kernel: 1}}]}", outputs="[out4]")

    fused = neck.fuse()

    assert fused.unfolded == {"out4.op.encoder_layer": "the statistics of its norms are those of each pixel"}
    given = maps(neck, 64, 96)
    torch.testing.assert_close(fused(given), neck(given), rtol=1e-5, atol=1e-5)


def test_a_map_comes_out_as_it_lies_in_memory() -> None:
    module = EncoderLayer(heads=2).build((Feature(5, 8),), Site())
    x = torch.randn(2, 8, 3, 5)

    assert module(x).is_contiguous()
    assert module(x.to(memory_format=torch.channels_last)).is_contiguous(memory_format=torch.channels_last)
