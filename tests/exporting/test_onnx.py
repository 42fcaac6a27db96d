"""Shipped graphs go through both of torch's exporters to ONNX, for images of any size.

The older one takes every graph. torch.export needs ten times as long, so the newer one takes those that together have
what any of them has, with a small one in the place of the largest; every operator by itself goes through both in
``tests/ops/test_contract_forms.py``.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch

import fpngraph
from fpngraph.library import shipped
from tests.necks import GRAPHS, maps, randomised
from tests.parts import parts
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
    "gold_yolo": {
        "gather": {"rep_vgg": {"blocks": 1}},
        "stage": {"rep_vgg": {"blocks": 1}},
        "transformer": {"topformer": {"blocks": 1, "drop_path": 0.1}},
    },
}
"""Of graphs whose export takes long otherwise: fewer channels, blocks or runs of equal stages."""
EXPORTED, OTHER = (256, 320), [(333, 258), (257, 411)]
OTHERS = sorted(shipped().keys() - GRAPHS)  # than those of tests/compiler/test_tracing.py, which has them in both forms
MODERN = ["bifpn_paddle", "clft", "deeplabv3p", "hrfpn", "libra", "linknet", "nas_fpn_mmdet", "nasfcos_fpn", "ppyoloe"]
MODERN += ["rare", "prn", "rtmdet", "ssd", "yolo26", "yolov10", "yolov3"]
RARE = """
    fpngraph: 1
    name: rare
    description: What only large graphs have, in a small one.
    inputs: C(2..4)
    defaults: {channels: 8, fusion: sum, norm: batch_norm, act: relu}
    nodes:
      N4: {inputs: [{from: C2, project: always, down: adaptive_avg_pool}, C4]}
      P4:
        inputs: [{from: C2, down: [{strided_conv: {kernel: ratio}}, norm, act]}, C3, N4]
        op:
          - concat:
              - [{slice: {index: 0}}]
              - [{slice: {index: 1}}, {sum: [[{conv: {kernel: 3, channels: 4}}, norm], []]}, act]
    outputs: [P4]
"""


def loaded(name: str) -> fpngraph.Graph:
    if name == "rare":
        return fpngraph.loads(RARE)
    return fpngraph.load(name, preset=None, **NARROW.get(name, {}))


def test_what_goes_through_the_newer_exporter_has_what_any_shipped_graph_has() -> None:
    every, exported = (
        {part for name in names for part in parts(loaded(name))} for names in (OTHERS, [*MODERN, "rare"])
    )

    assert every - exported == set()


CASES = [*((name, False) for name in OTHERS), *((name, True) for name in MODERN)]


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize(
    ("name", "modern"), CASES, ids=[f"{name}-{('torchscript', 'dynamo')[it]}" for name, it in CASES]
)
def test_both_exporters_to_onnx_write_a_shipped_graph_for_other_sizes(name: str, modern: bool) -> None:
    graph = loaded(name)
    made = randomised(fpngraph.build(graph, [8 << index for index in range(len(graph.inputs))]))

    names = [f"out_{output}" for output in made.out_channels]  # a map may come in and go out by one name
    session = onnx_session(made, (maps(made, *EXPORTED),), list(made.in_channels), names, modern=modern)

    for batch, size in enumerate(OTHER, start=1):
        features = maps(made, *size, batch=batch)
        given = {entry: x.numpy() for entry, x in zip(made.in_channels, features, strict=True)}
        with torch.no_grad():
            assert_equal_maps(session.run(None, given), made(features), 1e-4)
