"""Shipped graphs go through both of torch's exporters to ONNX, for images of any size.

The older one takes every graph. torch.export needs ten times as long, so the newer one takes those that together have
what any of them has; every operator by itself goes through both in ``tests/ops/test_contract_forms.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
import torch

import fpngraph
from fpngraph.library import shipped
from fpngraph.ops import Operator
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
    "gold_yolo": {
        "gather": {"rep_vgg": {"blocks": 1}},
        "stage": {"rep_vgg": {"blocks": 1}},
        "transformer": {"topformer": {"blocks": 1, "drop_path": 0.1}},
    },
}
"""Of graphs whose export takes long otherwise: fewer channels, blocks or runs of equal stages."""
EXPORTED, OTHER = (256, 320), [(333, 258), (257, 411)]
OTHERS = sorted(shipped().keys() - GRAPHS)  # than those of tests/compiler/test_tracing.py, which has them in both forms
MODERN = [
    "afpn",
    "bifpn_paddle",
    "clft",
    "deeplabv3p",
    "gold_yolo",
    "hrfpn",
    "libra",
    "linknet",
    "mafpn",
    "nas_fpn_mmdet",
]
MODERN += ["nasfcos_fpn", "ppyoloe", "prn", "rtmdet", "ssd", "yolo26", "yolov10", "yolov3"]


def loaded(name: str) -> fpngraph.Graph:
    return fpngraph.load(name, preset=None, **NARROW.get(name, {}))


def switches(op: Operator | str) -> Iterator[tuple[str, ...]]:
    """The switches of an operator that are not as they are by default, and those of what it holds."""
    if isinstance(op, str):
        return
    values = {name: getattr(op, name) for name, field in type(op).model_fields.items() if not field.is_required()}
    defaults = {name: type(op).model_fields[name].get_default(call_default_factory=True) for name in values}
    said = [f"{name}={x}" for name, x in values.items() if isinstance(x, bool | str) and x != defaults[name]]
    if said:
        yield (op.kind, op.name, *said)
    for run in op.held():
        yield "holds", op.name
        for inner in run:
            yield from switches(inner)


def parts(graph: fpngraph.Graph) -> Iterator[tuple[str, ...]]:
    """What may come out wrong of a graph that has it: switches, ways that maps go, and how many are joined."""
    levels = {name: it.level for name, it in (*graph.inputs.items(), *graph.nodes.items())}
    given = {entry.level for entry in graph.inputs.values()}
    for node in graph.nodes.values():
        yield "joins", str(min(len(node.edges), 3))
        if node.level not in given:
            yield ("finer than all inputs" if node.level < min(given) else "coarser than an input",)
        for op in (node.fusion, *node.op):
            yield from switches(op)
        for edge in node.edges:
            octaves = levels[edge.source] - node.level
            way = "up" if octaves > 0 else "down" if octaves < 0 else "lateral"
            yield "projects", edge.projection.when, edge.order
            for op in edge.path(levels[edge.source], node.level):
                yield from switches(op)
                yield way, op.kind
                if abs(octaves) > 1:
                    yield way, op.kind, op.name if op.kind == way else "", "by more than 2"
    if len(given) < len(graph.inputs):
        yield ("two inputs of one level",)
    if set(graph.outputs.values()) & set(graph.inputs):
        yield ("an input comes out",)


def test_what_goes_through_the_newer_exporter_has_what_any_shipped_graph_has() -> None:
    every, exported = ({part for name in names for part in parts(loaded(name))} for names in (OTHERS, MODERN))

    assert every - exported == set()


CASES = [(name, modern) for name in OTHERS for modern in (False, True) if not modern or name in MODERN]


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
