"""The shipped graph panet gives what an independent implementation of PANet's neck gives."""

from __future__ import annotations

import pytest
import torch

import fpngraph
from tests.equality.closeness import assert_equal, assert_equal_results, results
from tests.equality.effdet_reference import feature_maps
from tests.equality.path_aggregation import PathAggregation

CHANNELS = 8


def names_of_modules(levels: range) -> dict[str, str]:
    """Our names of the modules with weights, and those of the plain implementation."""
    names = {}
    for index, level in enumerate(levels):
        names[f"M{level}.edges.C{level}.project.conv"] = f"lateral.{index}"
        names[f"F{level}.op.conv"] = f"smooth.{index}"
        if index > 0:
            finer = f"S{level - 1}" if index > 1 else f"F{level - 1}"
            names[f"S{level}.edges.{finer}.strided_conv"] = f"down.{index - 1}"
            names[f"N{level}.op.conv"] = f"final.{index - 1}"
    return names


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("size", [(256, 320), (260, 200), (333, 500), (97, 33), (1, 1)], ids=str)
@pytest.mark.parametrize(
    ("min_level", "backbone_max", "max_level"),
    [(2, 5, 6), (2, 5, 5), (3, 5, 7), (3, 6, 6), (5, 5, 6)],
    ids=str,
)
def test_panet_is_path_aggregation(
    min_level: int, backbone_max: int, max_level: int, size: tuple[int, int], batch: int
) -> None:
    torch.manual_seed(0)
    levels = range(min_level, backbone_max + 1)
    in_channels = [6, 8, 10, 12][: len(levels)]
    theirs = PathAggregation(in_channels, CHANNELS, max_level - backbone_max).double()
    graph = fpngraph.load("panet", min=min_level, backbone_max=backbone_max, max=max_level, channels=CHANNELS)
    ours = fpngraph.build(graph, in_channels=in_channels).double()
    parameters = {
        f"{name}.{leaf}": f"{module}.{leaf}"
        for name, module in names_of_modules(levels).items()
        for leaf in ("weight", "bias")
    }
    ours.load_state_dict({name: theirs.state_dict()[other] for name, other in parameters.items()})
    maps = feature_maps(in_channels, min_level, size, batch)

    got, expected = results(ours, ours, maps), results(theirs, theirs, maps)

    assert_equal_results(got, expected)
    assert set(parameters.values()) == set(expected.parameters)
    for name, other in parameters.items():
        assert_equal(got.parameters[name], expected.parameters[other], f"gradient of {name}")
