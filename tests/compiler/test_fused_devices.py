"""Fusing a neck or a detector that is not on the processor. The meta device refuses to be mixed, as a GPU does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import fpngraph
from fpngraph import efficientdet
from fpngraph.library import shipped


@pytest.fixture(autouse=True)
def _fuses_without_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fpngraph.compiler.fuse.check_weights", lambda neck: None)  # which is refused otherwise


def elsewhere(module: nn.Module) -> Any:
    """The module on the meta device, but for its fusions, whose weights are read as numbers."""
    module.to("meta")
    for name, part in module.named_modules():
        if name.endswith(".fusion"):
            part.to_empty(device="cpu")
    return module.eval()


def assert_is_elsewhere(module: nn.Module) -> None:
    weights = {name: value for name, value in module.named_parameters() if ".fusion." not in name}
    assert weights
    assert {value.device.type for value in weights.values()} == {"meta"}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_neck_is_fused_where_its_weights_are(name: str) -> None:
    graph = fpngraph.load(name)
    neck = elsewhere(fpngraph.build(graph, [64] * len(graph.inputs)))

    fused = neck.fuse()

    assert_is_elsewhere(fused)


@pytest.mark.parametrize(
    "make",
    [
        lambda: efficientdet.create("tf_efficientdet_d0"),
        lambda: fpngraph.FeaturePyramid("repvgg_a0", "fpn", pretrained=False),
    ],
    ids=["detector", "pyramid"],
)
def test_a_backbone_is_fused_where_its_weights_are(make: Callable[[], nn.Module]) -> None:
    fused = elsewhere(make()).fuse()

    assert_is_elsewhere(fused)


def test_torchs_default_device_is_not_asked() -> None:
    neck = fpngraph.build(fpngraph.load("bifpn"), [8, 8, 8]).eval()

    with torch.device("meta"):
        fused = neck.fuse(torch.bfloat16)
        state = fused.state_dict()

    assert {x.device.type for x in (*state.values(), *fused.buffers())} == {"cpu"}
    fused.load_state_dict(state)
