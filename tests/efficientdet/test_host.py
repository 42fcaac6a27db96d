"""A compiled neck in the place of effdet's own, in effdet's models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from effdet import EfficientDet
from torch import Tensor, nn

from fpngraph.efficientdet import neck_of
from fpngraph.efficientdet.host import graph_of
from tests.efficientdet.detectors import small_effdet_model
from tests.equality.closeness import assert_equal
from tests.equality.effdet_reference import Options, effdet_config, randomise

SIZE = (128, 256)


def effdet_model(name: str) -> EfficientDet:
    """effdet's model with weights as after a training, in float64."""
    torch.manual_seed(0)
    model = small_effdet_model(name, SIZE, num_classes=3).double()
    randomise(model.fpn)
    for norm in (part for part in model.modules() if isinstance(part, nn.BatchNorm2d)):
        norm.running_mean.normal_(std=0.1)
        norm.running_var.uniform_(0.5, 1.5)
    return model.eval()


def outputs(model: Callable[[Tensor], Any]) -> list[Tensor]:
    classes, boxes = model(torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(1)).double())
    return [*classes, *boxes]


@pytest.mark.parametrize("name", ["tf_efficientdet_d0", "efficientdet_q0", "cspresdext50pan", "tf_efficientdet_lite0"])
def test_an_effdet_model_gives_the_same_with_the_compiled_neck(name: str) -> None:
    model = effdet_model(name)
    expected = outputs(model)

    model.fpn = neck_of(model)

    for got, reference in zip(outputs(model), expected, strict=True):
        assert_equal(got, reference, name)


def test_the_compiled_neck_has_weights_of_its_own_and_the_same_mode_and_type() -> None:
    model = effdet_model("efficientdet_d0").train()

    neck = neck_of(model)

    theirs = {tensor.data_ptr() for tensor in model.fpn.state_dict().values()}
    assert not theirs & {tensor.data_ptr() for tensor in neck.state_dict().values()}
    assert neck.training
    assert next(neck.parameters()).dtype == torch.float64


def test_a_neck_with_nodes_written_by_hand_is_refused() -> None:
    config = effdet_config(Options(), fpn_config={"nodes": [{"reduction": 8, "inputs_offsets": [0, 1]}]})

    with pytest.raises(ValueError) as caught:
        graph_of(config)

    assert str(caught.value) == (
        "configuration 'efficientdet_d0' has nodes of its own in 'fpn_config'\n"
        "  hint: write them as a graph and pass that to fpngraph.build"
    )
