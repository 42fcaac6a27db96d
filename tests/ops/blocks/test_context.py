"""Pyramid pooling and dilated convolutions side by side are their papers' equations."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.feature import Feature
from fpngraph.ops.blocks.context import Aspp, PyramidPooling
from tests.ops.blocks.equations import SITE, Block, Weights, act, trained


def pooled(w: Weights, name: str, x: Tensor, bins: int) -> Tensor:
    """Each part's mean by hand: it goes from the pixel in which it begins to the one in which it ends."""
    height, width = x.shape[2:]
    rows = [slice(i * height // bins, -(-(i + 1) * height // bins)) for i in range(bins)]
    columns = [slice(i * width // bins, -(-(i + 1) * width // bins)) for i in range(bins)]
    means = torch.stack([torch.stack([x[:, :, r, c].mean((2, 3)) for c in columns], dim=2) for r in rows], dim=2)
    return F.interpolate(w.cna(name, means), (height, width), mode="bilinear", align_corners=False)


def pyramid_pooling(w: Weights, x: Tensor, bins: tuple[int, ...] = (1, 2, 3, 6)) -> Tensor:
    pooled_maps = [pooled(w, f"branches.{number}", x, it) for number, it in enumerate(bins, 1)]
    return torch.cat([x, *pooled_maps], dim=1)


def aspp(w: Weights, x: Tensor, rates: tuple[int, ...] = (12, 24, 36), separable: bool = False) -> Tensor:
    maps = [w.cna("convs.0", x)]
    for number, rate in enumerate(rates, 1):
        name = f"convs.{number}"
        conv = f"{name}.separable_conv" if separable else f"{name}.conv"
        y = x
        if separable:
            y = F.conv2d(y, w.tensors[f"{conv}.depthwise.weight"], padding=rate, dilation=rate, groups=x.shape[1])
            y = F.conv2d(y, w.tensors[f"{conv}.pointwise.weight"])
        else:
            y = F.conv2d(y, w.tensors[f"{conv}.weight"], padding=rate, dilation=rate)
        maps.append(act(w.norm(f"{name}.norm", y)))
    mean = w.cna(f"convs.{len(rates) + 1}", x.mean((2, 3), keepdim=True))
    maps.append(mean.expand(-1, -1, *x.shape[2:]))
    return w.cna("project", torch.cat(maps, dim=1))


CASES = {
    "pyramid_pooling": Block(PyramidPooling(), pyramid_pooling, 4),
    "pyramid_pooling, two": Block(PyramidPooling(bins=(5, 9)), partial(pyramid_pooling, bins=(5, 9)), 2),
    "aspp": Block(Aspp(), aspp, 6),
    "aspp, separable": Block(Aspp(rates=(1, 3), separable=True), partial(aspp, rates=(1, 3), separable=True), 7),
}


def test_maps_of_the_bins_may_have_channels_of_their_own() -> None:
    place = (Feature(5, 12),), replace(SITE, channels=16)

    assert PyramidPooling(bins=(1, 2)).infer(*place) == Feature(5, 12 + 2 * 16)
    assert PyramidPooling(bins=(1, 2), channels=3).infer(*place) == Feature(5, 12 + 2 * 3)


def test_kernels_and_dilations_of_aspp_are_its_rates() -> None:
    module = trained(Aspp(), 12, replace(SITE, channels=16))

    convs = [part for part in module.modules() if isinstance(part, nn.Conv2d)]
    assert [(it.kernel_size[0], it.dilation[0]) for it in convs] == [(1, 1), (3, 12), (3, 24), (3, 36), (1, 1), (1, 1)]
    assert all(conv.bias is None for conv in convs)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (6, 12), (17, 5)], ids=str)
def test_parts_of_any_size_are_pooled(size: tuple[int, int]) -> None:
    module = trained(PyramidPooling(), 12, replace(SITE, channels=16)).eval()
    x = torch.randn(2, 12, *size, dtype=torch.float64)

    expected = pyramid_pooling(Weights(dict(module.state_dict())), x)

    torch.testing.assert_close(module(x), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("operator", "settings"),
    [(PyramidPooling, {"bins": ()}), (PyramidPooling, {"bins": (0,)}), (Aspp, {"rates": (0,)})],
    ids=["no bins", "bins of none", "no dilation"],
)
def test_numbers_that_mean_nothing_are_refused(operator: Any, settings: Any) -> None:
    with pytest.raises(ValidationError):
        operator(**settings)
