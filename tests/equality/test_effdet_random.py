"""Any topology that effdet's configuration can say gives the same when a graph file says it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from string import ascii_lowercase
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import fpngraph
from tests.equality.closeness import assert_equal_results, results
from tests.equality.effdet_reference import Options, effdet_neck, equal_necks, feature_maps, settings

FUSIONS = {"sum": "sum", "attn": "softmax", "fastattn": "fast_normalized"}


@dataclass(frozen=True)
class FpnNode:
    """A node of effdet's ``fpn_config``; offsets count the cell's inputs, then its nodes."""

    level: int
    offsets: tuple[int, ...]
    weight_method: str


@dataclass(frozen=True)
class Topology:
    """A cell as effdet's ``fpn_config`` has it, with the neck's options and what it is given."""

    options: Options
    nodes: tuple[FpnNode, ...]
    in_channels: tuple[int, ...]
    image_size: tuple[int, int]

    @property
    def levels(self) -> range:
        return range(self.options.min_level, self.options.max_level + 1)

    def fpn_config(self) -> dict[str, Any]:
        return {
            "nodes": [
                {"feat_level": n.level, "inputs_offsets": list(n.offsets), "weight_method": n.weight_method}
                for n in self.nodes
            ]
        }

    def graph(self) -> dict[str, Any]:
        """The same cell as a graph file: every node a plain name with its level."""
        given = self.options.min_level + len(self.in_channels)
        names = [f"node_{letter}" for letter in ascii_lowercase[: len(self.nodes)]]
        maps = [*(f"P{level}" for level in self.levels), *names]
        params = settings(self.options)
        cell = {
            name: {
                "level": node.level,
                # effdet projects the input of a node that has one, too
                "inputs": [maps[offset] + " | none" * (len(node.offsets) == 1) for offset in node.offsets],
                "fusion": FUSIONS[node.weight_method],
            }
            for name, node in zip(names, self.nodes, strict=True)
        }
        last = names[-len(self.levels) :]
        outputs = {f"P{level}": name for level, name in zip(self.levels, last, strict=True)}
        coarse = {f"P{level}": _coarse(level) for level in self.levels if level >= given}
        return {
            "fpngraph": 1,
            "name": "Random",
            "inputs": [f"P{level}" for level in range(self.options.min_level, given)],
            "defaults": {
                "channels": params["channels"],
                "resample": {"down": params["down"], "up": params["up"], "project": params["project"]},
                "op": params["op"],
                "norm": {"batch_norm": {"eps": 0.001, "momentum": 0.01}},
                "act": params["act"],
                "padding": params["padding"],
            },
            "stages": ({"coarse": {"nodes": coarse}} if coarse else {})
            | {"cell": {"repeat": params["repeats"], "nodes": cell, "outputs": outputs}},
            "outputs": [f"P{level}" for level in self.levels],
        }


def _coarse(level: int) -> dict[str, Any]:
    return {"inputs": [f"P{level - 1}"], "fusion": "sum", "op": "none"}


@st.composite
def options(draw: st.DrawFn) -> Options:
    min_level = draw(st.integers(2, 4))
    flags = {
        name: draw(st.booleans())
        for name in ("apply_resample_bn", "redundant_bias", "conv_bn_relu_pattern", "separable_conv")
    }
    return Options(
        min_level=min_level,
        max_level=min_level + draw(st.sampled_from([0, 1, 2, 3, 3, 4, 4])),
        fpn_channels=4,
        fpn_cell_repeats=draw(st.integers(1, 3)),
        pad_type=draw(st.sampled_from(["", "same"])),
        downsample_type=draw(st.sampled_from(["max", "avg", "bilinear", "nearest"])),
        upsample_type=draw(st.sampled_from(["nearest", "bilinear"])),
        **flags,
    )


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Inner nodes in any order, then one node per level, finest first, which is what effdet's cell returns."""
    chosen = draw(options())
    outputs = list(range(chosen.min_level, chosen.max_level + 1))
    inner = draw(st.lists(st.sampled_from(outputs), min_size=len(outputs) - 1, max_size=8))
    levels = [*outputs, *inner, *outputs]
    inputs = [_draw_inputs(draw, chosen, levels[: node + 1]) for node in range(len(outputs), len(levels))]
    # What nobody reads is left out of our module and kept by effdet: have the output of its level read it.
    read = {offset for offsets in inputs for offset in offsets}
    for offset in set(range(len(outputs) + len(inner))) - read:
        inputs[len(inner) + outputs.index(levels[offset])].append(offset)
    methods = [draw(st.sampled_from(sorted(FUSIONS))) for _ in inputs]
    nodes = zip([*inner, *outputs], map(tuple, inputs), methods, strict=True)
    given_maps = draw(st.integers(1, len(outputs)))
    # Only sides that every level halves exactly: else effdet's strides depend on the image.
    side = st.integers(1, 3).map(lambda pixels: pixels * 2**chosen.max_level)
    return Topology(
        chosen,
        tuple(FpnNode(*node) for node in nodes),
        tuple(draw(st.sampled_from([3, 4, 6])) for _ in range(given_maps)),
        (draw(side), draw(side)),
    )


def _draw_inputs(draw: st.DrawFn, chosen: Options, levels: list[int]) -> list[int]:
    """Offsets below the last of ``levels`` for the node there; effdet cannot name one twice."""
    *earlier, level = levels
    # effdet's symmetric padding is more than torch's pooling allows at ratios of 4 and more.
    farthest = 1 if chosen.pad_type == "" and chosen.downsample_type in ("max", "avg") else len(levels)
    near = [offset for offset, other in enumerate(earlier) if level - other <= farthest]
    return draw(st.lists(st.sampled_from(near), min_size=1, max_size=4, unique=True))


# Poolings by 4 and 8 beside the usual one, and one map of the backbone for four levels.
FAR = Topology(
    Options(min_level=3, max_level=6, fpn_channels=4, fpn_cell_repeats=2, pad_type="same"),
    (
        FpnNode(5, (0, 1, 2, 3), "fastattn"),
        FpnNode(3, (4, 0), "attn"),
        FpnNode(4, (5, 1), "sum"),
        FpnNode(5, (5, 2), "fastattn"),
        FpnNode(6, (5, 6, 7, 3), "attn"),
    ),
    (6,),
    (64, 128),
)


@pytest.mark.slow
@example(FAR)
@example(replace(FAR, options=replace(FAR.options, downsample_type="avg")))
@hypothesis_settings(max_examples=60)
@given(topologies())
def test_random_topologies_equal_effdets(topology: Topology) -> None:
    torch.manual_seed(0)
    maps = feature_maps(topology.in_channels, topology.options.min_level, topology.image_size)
    theirs = effdet_neck(topology.options, topology.in_channels, topology.image_size, topology.fpn_config())
    ours = equal_necks(theirs, fpngraph.loads(topology.graph()), maps)

    expected = results(theirs.eval(), theirs, maps)
    got = results(ours.eval(), ours, maps)

    assert_equal_results(got, expected)
