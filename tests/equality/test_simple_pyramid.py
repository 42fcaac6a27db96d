"""The shipped graph simple_fpn gives what ViTDet's pyramid gives."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from tests.equality.closeness import assert_equal, assert_equal_results, results
from tests.equality.simple_pyramid import SimplePyramid

OP = ("conv", "norm", "conv_2", "norm_2")
# Our names of the modules with weights, and the reference's.
NAMES = {
    "halfway.edges.C4.deconv": "stride4.0",
    "halfway.op.norm": "stride4.1",
    "P2.edges.halfway.deconv": "stride4.3",
    **{f"P2.op.{layer}": f"stride4.{4 + index}" for index, layer in enumerate(OP)},
    "P3.edges.C4.deconv": "stride8.0",
    **{f"P3.op.{layer}": f"stride8.{1 + index}" for index, layer in enumerate(OP)},
    **{f"P4.op.{layer}": f"stride16.{index}" for index, layer in enumerate(OP)},
    **{f"P5.op.{layer}": f"stride32.{1 + index}" for index, layer in enumerate(OP)},
}


def renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every tensor of the reference under our name."""
    ours = {theirs: name for name, theirs in NAMES.items()}
    split = ((*name.rpartition("."), tensor) for name, tensor in tensors.items())
    return {f"{ours[module]}.{leaf}": tensor for module, _, leaf, tensor in split}


@pytest.mark.parametrize("size", [(14, 14), (8, 22), (2, 2)], ids=str)
def test_simple_fpn_is_vitdets_pyramid(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    theirs = SimplePyramid(12, 8).double()
    ours = fpngraph.build(fpngraph.load("simple_fpn", channels=8), in_channels=[12]).double()
    for parameter in theirs.parameters():
        nn.init.normal_(parameter)  # norms start with ones and zeros
    ours.load_state_dict(renamed(theirs.state_dict()))
    maps = [torch.randn(2, 12, *size, dtype=torch.float64)]

    got = results(ours, ours, maps)
    expected = results(theirs, lambda features: theirs(features[0]), maps)

    assert_equal_results(got, expected)
    for name, gradient in renamed(expected.parameters).items():
        assert_equal(got.parameters[name], gradient, f"gradient of {name}")
