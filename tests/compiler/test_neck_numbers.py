"""Sizes, number types and memory formats that a compiled neck computes in."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.necks import GRAPHS, assert_close, maps, shipped

SIZES = [(1, 1), (8, 8), (33, 31), (512, 64), (100, 333), (1, 700)]


@pytest.mark.parametrize("name", GRAPHS)
def test_images_of_any_size_go_through_one_neck_one_after_the_other(name: str) -> None:
    neck = shipped(name)
    finest = 2 ** min(entry.level for entry in neck.source_graph.inputs.values())

    for height, width in SIZES:
        for batch in (1, 2):
            outs = neck(dict(zip(neck.in_channels, maps(neck, height, width, batch=batch), strict=True)))
            for output, y in outs.items():
                stride = neck.out_strides[output]
                rounded, finer = max(stride, finest), max(finest // stride, 1)
                size = (-(-height // rounded) * finer, -(-width // rounded) * finer)
                assert y.shape == (batch, neck.out_channels[output], *size)
                assert y.isfinite().all()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-4), (torch.bfloat16, 0.1)], ids=str)
@pytest.mark.parametrize("name", GRAPHS)
def test_a_neck_computes_in_the_type_it_is_moved_to(name: str, dtype: torch.dtype, tolerance: float) -> None:
    neck = shipped(name)
    features = maps(neck, 130, 99)
    expected = neck(features)

    outs = neck.to(dtype)([x.to(dtype) for x in features])

    for y, z in zip(outs, expected, strict=True):
        assert y.dtype == dtype
        assert (y.float() - z).abs().max() <= tolerance * z.abs().max()


@pytest.mark.parametrize("name", GRAPHS)
def test_autocast_changes_outputs_by_rounding_only(name: str) -> None:
    neck = shipped(name)
    features = maps(neck, 130, 99)
    expected = neck(features)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        outs = neck(features)

    for y, z in zip(outs, expected, strict=True):
        assert (y.float() - z).abs().max() <= 0.1 * z.abs().max()
    assert any(y.dtype == torch.bfloat16 or not torch.equal(y, z) for y, z in zip(outs, expected, strict=True))


@pytest.mark.parametrize("name", GRAPHS)
def test_channels_last_goes_in_and_comes_out(name: str) -> None:
    neck = shipped(name)
    features = maps(neck, 300, 260)
    expected = neck(features)

    outs = neck.to(memory_format=torch.channels_last)([x.to(memory_format=torch.channels_last) for x in features])

    assert_close(outs, expected)
    assert all(y.is_contiguous(memory_format=torch.channels_last) for y in outs)


@pytest.mark.parametrize("name", GRAPHS)
def test_what_goes_in_contiguous_comes_out_so_with_equal_gradients_whatever_the_layout_inside(name: str) -> None:
    neck = shipped(name).double().train()
    features = maps(neck, 130, 99, dtype=torch.float64)

    def results(layout: torch.memory_format) -> tuple[list[Tensor], tuple[Tensor, ...]]:
        given = [x.to(memory_format=layout).requires_grad_() for x in features]
        outs = neck(given)
        total = torch.stack([y.square().mean() for y in outs]).sum()
        return outs, torch.autograd.grad(total, [*given, *neck.parameters()])

    outs, gradients = results(torch.contiguous_format)
    others, expected = results(torch.channels_last)

    assert all(y.is_contiguous() for y in outs)
    assert_close(outs, others, tolerance=1e-12)
    assert_close(gradients, expected, tolerance=1e-9)


def test_eval_mode_leaves_the_statistics_alone() -> None:
    neck = shipped("bifpn")
    buffers = {name: buffer.clone() for name, buffer in neck.named_buffers()}

    neck(maps(neck, 256, 256))

    torch.testing.assert_close(dict(neck.named_buffers()), buffers, rtol=0, atol=0)
