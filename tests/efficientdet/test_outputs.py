"""The detectors give what effdet 0.4.1's give, with its weights carried over."""

from __future__ import annotations

import re
from itertools import groupby

import pytest
import torch
from effdet import EfficientDet as EffdetModel

from fpngraph.efficientdet import EfficientDet, create
from fpngraph.efficientdet.weights import state_from_effdet
from tests.efficientdet.detectors import effdet_model, equal_weights, maps, small_effdet_model, small_model
from tests.equality.closeness import assert_equal, assert_equal_results, results


def assert_equal_maps(theirs: EffdetModel, ours: EfficientDet, image_size: tuple[int, int]) -> None:
    equal_weights(theirs, ours, image_size)
    images = torch.randn(1, 3, *image_size, dtype=torch.float64)
    with torch.no_grad():
        expected, found = maps(theirs, images), maps(ours, images)
    for index, (y, reference) in enumerate(zip(found, expected, strict=True)):
        assert_equal(y, reference, f"map {index}")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*feature_location:UserWarning")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("efficientdet_d0", id="symmetric padding"),
        pytest.param("tf_efficientdet_d0", id="padding of TensorFlow"),
        pytest.param("tf_efficientdet_lite0", id="lite"),
        pytest.param("efficientdet_w0", id="wide maps of the backbone"),
        pytest.param("cspdarkdet53m", id="a backbone with a map more, dense convolutions, bilinear"),
    ],
)
def test_a_configuration_gives_the_maps_of_effdet(name: str) -> None:
    torch.manual_seed(0)

    assert_equal_maps(effdet_model(name, (128, 96)), create(name), (128, 96))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"),
    [
        pytest.param("efficientdet_d1", (130, 190), id="bifpn"),
        pytest.param("efficientdet_d4", (64, 64), id="bifpn, padding of TensorFlow, redundant bias"),
        pytest.param("cspresdext50pan", (128, 96), id="pan"),
        pytest.param("efficientdet_q0", (100, 200), id="qufpn"),
        pytest.param("efficientdet_q1", (128, 128), id="qufpn, bilinear"),
        pytest.param("resdet50", (128, 128), id="dense convolutions"),
        pytest.param("cspresdet50", (128, 128), id="another activation in the heads"),
        pytest.param("efficientdetv2_dt", (96, 128), id="bilinear, level-first heads"),
        pytest.param("mobiledetv3_large", (128, 128), id="hard swish"),
        pytest.param("tf_efficientdet_d7x", (384, 384), id="level 8, plain sums"),
        pytest.param("tf_efficientdet_lite3x", (128, 128), id="lite"),
    ],
)
def test_a_small_detector_of_each_kind_gives_the_maps_of_effdet(name: str, size: tuple[int, int]) -> None:
    torch.manual_seed(0)

    assert_equal_maps(small_effdet_model(name, size), small_model(name), size)


def test_gradients_in_training_are_those_of_effdet() -> None:
    torch.manual_seed(0)
    theirs, ours = small_effdet_model("efficientdet_d0"), small_model("efficientdet_d0")
    equal_weights(theirs, ours, (128, 128))
    images = [torch.randn(2, 3, 128, 128, dtype=torch.float64)]

    expected = results(theirs.train(), lambda x: maps(theirs, x[0]), images)
    found = results(ours.train(), lambda x: maps(ours, x[0]), images)

    assert_equal_results(found, expected)
    gradients = state_from_effdet({**theirs.state_dict(), **expected.parameters}, ours, "effdet's")
    for _, members in groupby(ours.state_dict(), key=_scale_group):
        names = [name for name in members if name in found.parameters]
        largest = max((gradients[name].abs().max().item() for name in names), default=0.0)
        for name in names:
            assert_equal(found.parameters[name], gradients[name], f"gradient of {name}", largest)


def _scale_group(name: str) -> str:
    """What a gradient is compared with the largest of: the backbone, a node of the neck, or itself.

    That of a bias before batch statistics is 0 but for rounding, and so may be that of a fusion's weights.
    """
    return "backbone" if name.startswith("backbone.") else re.split(r"\.(?:edges|fusion|op)\.", name)[0]
