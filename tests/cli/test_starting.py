"""What a detector starts with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fpngraph.cli.starting import Start
from fpngraph.cli.values import UsageError
from fpngraph.detection import Category
from fpngraph.training.saved import KEY, entry
from tests.cli.small import GRAPH
from tests.training.small import detector

START = Start(
    model="efficientdet_d0",
    graph=None,
    preset=None,
    params={},
    backbone=None,
    pretrained=False,
    weights=None,
    image_size=None,
    lean=False,
)


def test_a_graph_of_ones_own_is_taken_as_it_is_without_a_warning(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(GRAPH, encoding="utf-8")

    model = replace(START, graph=str(tmp_path / "my.yaml"), backbone="test_efficientnet").build(num_classes=2)

    assert {node.channels for node in model.neck.source_graph.nodes.values()} == {16}


def test_weights_of_which_none_fits_are_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "other.ckpt")
    torch.save({KEY: entry({}, [Category(1, "a")], {}), "state_dict": {"model.other.weight": torch.ones(1)}}, path)
    start = replace(START, weights=path)

    with pytest.raises(UsageError, match=r"nothing in '.*other.ckpt' fits the detector: 0 taken; \d+ missing"):
        start.load(detector())
