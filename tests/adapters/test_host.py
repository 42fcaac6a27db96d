"""What hosts do to the norms of a neck is undone, or told where it cannot be."""

from __future__ import annotations

import pytest
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

import fpngraph
from fpngraph.adapters import HostError
from fpngraph.adapters.host import check_order, restore_norms

TEXT = """\
fpngraph: 1
name: normed
inputs: C(3..4)
defaults: {channels: 8, op: [conv, norm]}
nodes:
  P3: {inputs: [C3], norm: {batch_norm: {eps: 0.002, momentum: 0.3}}}
  P4: {inputs: [C4], norm: {group_norm: {groups: 4}}}
outputs: P(3..4)
"""


def neck() -> fpngraph.Neck:
    return fpngraph.build(fpngraph.loads(TEXT), [8, 8])


def test_settings_that_a_host_has_overwritten_are_the_graphs_again() -> None:
    ours = neck()
    for part in ours.modules():
        if isinstance(part, nn.BatchNorm2d | nn.GroupNorm):
            part.eps = 1e-3
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 0.03

    assert restore_norms(ours) == ("P3.op.norm", "P4.op.norm")

    norm = ours.get_submodule("P3.op.norm")
    assert isinstance(norm, nn.BatchNorm2d)
    assert (norm.eps, norm.momentum) == (0.002, 0.3)
    assert restore_norms(ours) == ()


def test_norms_that_became_synchronised_stay_so() -> None:
    ours = nn.SyncBatchNorm.convert_sync_batchnorm(neck())
    norm = ours.get_submodule("P3.op.norm")
    norm.eps = 1.0

    assert restore_norms(ours) == ("P3.op.norm",)
    assert type(norm) is nn.SyncBatchNorm
    assert norm.eps == 0.002


def test_norms_that_a_host_has_frozen_are_told_and_nothing_is_changed() -> None:
    ours = neck()
    ours.set_submodule("P3.op.norm", FrozenBatchNorm2d(8))
    group = ours.get_submodule("P4.op.norm")
    group.eps = 1.0

    with pytest.raises(HostError) as caught:
        restore_norms(ours)

    assert str(caught.value) == (
        "norms of the neck were replaced: 'P3.op.norm' is a FrozenBatchNorm2d, built as a BatchNorm2d"
    )
    assert group.eps == 1.0


STAGES = {"one": {"nodes": {"a3": {"inputs": ["C3"]}}}, "all": {"nodes": {"b3": {"inputs": ["a3"]}}}}
GRAPH = {
    "fpngraph": 1,
    "name": "staged",
    "inputs": "C3",
    "defaults": {"channels": 8},
    "stages": STAGES,
    "outputs": "b3",
}


def test_a_graph_whose_stages_may_have_been_sorted_is_refused() -> None:
    resorted = dict(sorted(GRAPH.items()))
    text = (
        "the graph is a mapping with stages, whose order means something, but YAML sorts mappings when it saves a "
        "configuration\n  hint: give the graph as text, or as the path of a file"
    )

    for graph, always in ((resorted, False), (GRAPH, True)):
        with pytest.raises(HostError) as caught:
            check_order(graph, "YAML", always=always)
        assert str(caught.value) == text


@pytest.mark.parametrize(
    "graph", ["bifpn", GRAPH, {**GRAPH, "stages": {"one": {}}}, {"nodes": {}, "outputs": "a"}, None]
)
def test_other_graphs_are_not(graph: object) -> None:
    check_order(graph, "YAML", always=False)
