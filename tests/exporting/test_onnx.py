"""Every shipped graph goes through both of torch's exporters to ONNX, for images of any size."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch

import fpngraph
from fpngraph.library import shipped
from tests.necks import GRAPHS, maps, randomised
from tests.traces import assert_equal_maps, onnx_session

NARROW: Mapping[str, Mapping[str, object]] = {
    "m2det": {"shallow": 8, "deep": 16, "reduced": 8, "channels": 16, "modules": 2},
    "afpn": {"width": {2: 8, 3: 12, 4: 16, 5: 20}, "blocks": 1, "channels": 16},
    "nas_fpn": {"repeats": 2},
    "nas_fpn_mmdet": {"repeats": 2},
    "fpg": {"pathways": 2},
    "gfpn": {"pairs": 1},
    "rtdetr": {"blocks": 1},
    "lim_yolo": {"blocks": 1},
    "clft": {"max": 3, "channels": 16},
    "cobicount": {"max": 3},
}
"""Of graphs whose export takes long otherwise: fewer channels, blocks or runs of equal stages."""
EXPORTED, OTHER = (256, 320), [(333, 258), (257, 411)]


def neck(name: str) -> fpngraph.Neck:
    """The neck of a shipped graph with few input channels, in eval mode."""
    graph = fpngraph.load(name, preset=None, **NARROW.get(name, {}))
    return randomised(fpngraph.build(graph, [8 << index for index in range(len(graph.inputs))]))


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("modern", [False, True], ids=["torchscript", "dynamo"])
@pytest.mark.parametrize("name", sorted(shipped().keys() - GRAPHS))
def test_both_exporters_to_onnx_write_a_shipped_graph_for_other_sizes(name: str, modern: bool) -> None:
    made = neck(name)

    names = [f"out_{output}" for output in made.out_channels]  # a map may come in and go out by one name
    session = onnx_session(made, (maps(made, *EXPORTED),), list(made.in_channels), names, modern=modern)

    for batch, size in enumerate(OTHER, start=1):
        features = maps(made, *size, batch=batch)
        given = {entry: x.numpy() for entry, x in zip(made.in_channels, features, strict=True)}
        with torch.no_grad():
            assert_equal_maps(session.run(None, given), made(features), 1e-4)
