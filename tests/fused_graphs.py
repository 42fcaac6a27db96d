"""Random graphs in which every registered operator occurs, and necks of them as after a training."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import assume
from hypothesis import strategies as st
from torch import Tensor, nn

import fpngraph
from fpngraph.ops import Activation, Down, Fusion, Init, Layer, Norm, Operator, Up, operators
from tests import necks as small
from tests import trees
from tests.ops.cases import settings_of

CHANNELS = 4
INPUTS = {"P3": 4, "P4": 6, "P5": 4}
SIZES = [(64, 64), (72, 40), (33, 50), (40, 24), (8, 9), (1, 1)]


def _of(*kinds: type[Operator]) -> list[type[Operator]]:
    return [operator for operator in operators() if issubclass(operator, kinds)]


@st.composite
def _written(draw: st.DrawFn, kinds: tuple[type[Operator], ...]) -> Any:
    """An operator of one of ``kinds`` as a graph file writes it, with settings that a map of few channels allows."""
    operator = draw(st.sampled_from(_of(*kinds)))
    settings = draw(settings_of(operator))
    if operator.in_place_of_settings:
        return {operator.name: settings[operator.in_place_of_settings]}
    fixed = {"groups": draw(st.sampled_from((1, 2)))} if "groups" in operator.model_fields else {}
    if "heads" in operator.model_fields:
        fixed["heads"] = draw(st.sampled_from((1, 2)))
    if {"channels", "kernel"} <= set(operator.model_fields):
        fixed["channels"] = CHANNELS
    return {operator.name: {**settings, **fixed}}


def _path(kind: type[Operator]) -> st.SearchStrategy[Any]:
    """What ``down`` or ``up`` says: one operator, or a list with layers before and after it."""
    layers = st.lists(st.sampled_from(("act", "norm")), max_size=2)
    listed = st.tuples(layers, _written((kind,)), layers).map(lambda parts: [*parts[0], parts[1], *parts[2]])
    return _written((kind,)) | listed


@st.composite
def _node(draw: st.DrawFn, known: list[str], fusion: type[Operator] | None) -> dict[str, Any]:
    fusion = fusion or draw(st.sampled_from(_of(Fusion)))
    least, most = (fusion.takes,) * 2 if fusion.takes else (1, 4)
    inputs = draw(st.lists(st.sampled_from(known), min_size=least, max_size=most))
    project = {"when": draw(st.sampled_from(("auto", "always"))), "norm": draw(st.booleans()), "channels": CHANNELS}
    says_channels = draw(st.booleans())  # what convolutions have in lists that are held by a layer
    listed = st.lists(st.sampled_from(("act", "norm")) | _written((Layer,)), max_size=4)
    op = draw(listed | trees.closed(2).filter(trees.fits) if says_channels else listed)
    ends = says_channels or draw(st.booleans())
    return {
        "channels": CHANNELS if says_channels else None,
        "inputs": inputs,
        "level": draw(st.integers(2, 6)),
        "fusion": {fusion.name: draw(settings_of(fusion))},
        "op": [*op, {"conv": {"kernel": 1, "channels": CHANNELS}}] if ends else op,
        "padding": draw(st.sampled_from(("same", "symmetric"))),
        "act": draw(_written((Activation,))),
        "norm": draw(_written((Norm,))),
        "resample": {
            "down": draw(_path(Down)),
            "up": draw(_path(Up)),
            "lateral": draw(st.lists(st.sampled_from(("act", "norm")) | _written((Layer,)), max_size=2)),
            "project": project,
            "order": draw(st.sampled_from(("project_first", "resample_first"))),
        },
    }


@st.composite
def necks(draw: st.DrawFn) -> fpngraph.Neck:
    """A neck in eval mode and float64, with outputs that other nodes read and that no node does."""
    known = list(INPUTS)
    nodes: dict[str, Any] = {}
    for place in range(draw(st.integers(1, 6))):
        nodes[f"node_{place}_"] = draw(_node(known, None))
        known.append(f"node_{place}_")
    outputs = draw(st.lists(st.sampled_from(known[len(INPUTS) :]), min_size=1, max_size=3, unique=True))
    file = {"fpngraph": 1, "name": "random", "inputs": list(INPUTS), "nodes": nodes}
    try:
        graph = fpngraph.loads({**file, "outputs": {f"out_{place}_": name for place, name in enumerate(outputs)}})
        neck = fpngraph.build(graph, {name: INPUTS[name] for name in graph.inputs})
    except fpngraph.GraphError:
        assume(False)
    return trained(neck.double(), draw(st.integers(0, 99)))


@torch.no_grad()
def trained(neck: fpngraph.Neck, seed: int = 0) -> fpngraph.Neck:
    """The neck itself in eval mode, with weights as after a training, and some fusion weights below zero."""
    torch.manual_seed(seed)
    for name, parameter in neck.named_parameters():
        if name.endswith("fusion.weight"):
            parameter.uniform_(-0.5, 1.5)
        elif name.endswith("bias"):
            parameter.normal_()
        elif parameter.dim() == 1:
            parameter.normal_()
    for module in neck.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 1.5)
    return neck.eval()


def maps(size: tuple[int, int], neck: fpngraph.Neck, batch: int = 2) -> list[Tensor]:
    """Maps for an image of ``size`` pixels, in float64; one of them of a backbone that rounds down."""
    torch.manual_seed(1)
    features = []
    for name, entry in neck.source_graph.inputs.items():
        sides = [max(side >> entry.level, 1) if entry.level == 4 else -(-side // 2**entry.level) for side in size]
        features.append(torch.randn(batch, neck.in_channels[name], *sides, dtype=torch.float64))
    return features


RECIPES = [operator.name for operator in operators() if issubclass(operator, Init)]

PROJECT = "{project: {when: always, norm: true}}"
NODES = """
a: {inputs: [P3, P4], level: 3, fusion: fast_normalized, op: [{conv: {}}, norm, act]}
b: {inputs: [P4, a], level: 4, fusion: softmax, resample: %PROJECT, op: [separable_conv, norm]}
c: {inputs: [a, b], level: 3, op: [act, {conv: {kernel: 1}}, norm]}
""".replace("%PROJECT", PROJECT)


def neck() -> fpngraph.Neck:
    """A neck in which norms and fusion weights fold: into convolutions of an op, of an edge, and of a separable one."""
    return trained(small.neck_of(NODES, inputs="P(3..4)", outputs="[b, c]").double())


def assert_fused_equals(edited: fpngraph.Neck) -> fpngraph.FusedNeck:
    """The fused form gives what the neck gives, at two sizes, to 1e-12 of the largest value."""
    fused = edited.fuse()
    with torch.no_grad():
        for size in ((64, 96), (50, 33)):
            features = small.maps(edited, *size, dtype=torch.float64)
            for y, expected in zip(fused(features), edited(features), strict=True):
                assert (y - expected).abs().max() <= 1e-12 * expected.abs().max()
    return fused


def as_trained(norm: Any) -> nn.Module:
    """The norm in eval mode and float64, with values as after a training."""
    generator = torch.Generator().manual_seed(1)
    for name in ("weight", "bias", "running_mean", "running_var"):
        values = getattr(norm, name)
        if values is not None:
            values.data.uniform_(0.5, 1.5, generator=generator)
    made: nn.Module = norm.double().eval()
    return made
