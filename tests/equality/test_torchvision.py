"""The shipped graphs fpn and retinanet_fpn give what torchvision's FeaturePyramidNetwork gives."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7

import fpngraph
from tests.equality.closeness import assert_equal, assert_equal_results, results
from tests.equality.effdet_reference import feature_maps

SIZES = [(256, 320), (260, 200), (333, 500), (97, 33), (1, 1)]
CHANNELS = 8


def names_in_torchvision(min_level: int, extra: Mapping[str, str]) -> dict[str, str]:
    """Our names of the modules with weights, and torchvision's."""
    names = dict(extra)
    for index, level in enumerate(range(min_level, 6)):
        names[f"M{level}.edges.C{level}.project.conv"] = f"inner_blocks.{index}.0"
        names[f"P{level}.op.conv"] = f"layer_blocks.{index}.0"
    return names


def renamed(tensors: Mapping[str, Tensor], modules: Mapping[str, str]) -> dict[str, Tensor]:
    """Every tensor of torchvision's pyramid under our name."""
    ours = {theirs: name for name, theirs in modules.items()}
    split = ((*name.rpartition("."), tensor) for name, tensor in tensors.items())
    return {f"{ours[module]}.{leaf}": tensor for module, _, leaf, tensor in split}


def assert_equal_pyramids(
    graph: fpngraph.Graph, theirs: nn.Module, modules: Mapping[str, str], maps: Sequence[Tensor]
) -> None:
    """Outputs, gradients and numbers of parameters are equal once the weights are carried over."""
    theirs = theirs.double()
    ours = fpngraph.build(graph, in_channels=[x.shape[1] for x in maps]).double()
    for name, parameter in theirs.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)  # torchvision starts with zeros
    ours.load_state_dict(renamed(theirs.state_dict(), modules))

    got = results(ours, ours, maps)
    expected = results(theirs, lambda features: list(theirs(named(features)).values()), maps)

    assert_equal_results(got, expected)
    for name, gradient in renamed(expected.parameters, modules).items():
        assert_equal(got.parameters[name], gradient, f"gradient of {name}")
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters())


def named(features: Sequence[Tensor]) -> OrderedDict[str, Tensor]:
    return OrderedDict((str(index), x) for index, x in enumerate(features))


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("min_level", [2, 3, 5])
def test_fpn_is_torchvisions_with_a_max_pooled_level(min_level: int, size: tuple[int, int], batch: int) -> None:
    torch.manual_seed(0)
    in_channels = [6, 8, 10, 12][min_level - 2 :]  # 8 is the pyramid's own, which torchvision projects all the same
    theirs = FeaturePyramidNetwork(in_channels, CHANNELS, LastLevelMaxPool())
    graph = fpngraph.load("fpn", min=min_level, channels=CHANNELS)
    maps = feature_maps(in_channels, min_level, size, batch)

    assert_equal_pyramids(graph, theirs, names_in_torchvision(min_level, {}), maps)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_fpn_without_an_extra_level_is_torchvisions_without_extra_blocks(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    theirs = FeaturePyramidNetwork([6, 8, 10, 12], CHANNELS)
    graph = fpngraph.load("fpn", max=5, channels=CHANNELS)
    maps = feature_maps([6, 8, 10, 12], 2, size)

    assert_equal_pyramids(graph, theirs, names_in_torchvision(2, {}), maps)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    ("source", "p6_in_channels", "min_level"),
    # torchvision takes P5 if P6 has as many channels in as out, whatever was meant.
    [("C5", 12, 3), ("P5", CHANNELS, 3), ("C5", 12, 2)],
    ids=["C5", "P5", "C5-from-level-2"],
)
def test_retinanet_fpn_is_torchvisions_with_p6_and_p7(
    source: str, p6_in_channels: int, min_level: int, size: tuple[int, int], batch: int
) -> None:
    torch.manual_seed(0)
    in_channels = [6, 8, 10, 12][min_level - 2 :]
    theirs = FeaturePyramidNetwork(in_channels, CHANNELS, LastLevelP6P7(p6_in_channels, CHANNELS))
    graph = fpngraph.load("retinanet_fpn", min=min_level, channels=CHANNELS, source=source)
    extra = {f"P6.edges.{source}.strided_conv": "extra_blocks.p6", "P7.edges.P6.strided_conv": "extra_blocks.p7"}
    maps = feature_maps(in_channels, min_level, size, batch)

    assert_equal_pyramids(graph, theirs, names_in_torchvision(min_level, extra), maps)
