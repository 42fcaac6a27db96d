"""A backbone and a compiled graph are one module from image to maps."""

from __future__ import annotations

import copy
from collections import OrderedDict

import pytest
import torch

import fpngraph
from fpngraph.backbone import feature_maps

SMALL = {"repeats": 1, "channels": 8}


def test_it_gives_what_the_neck_makes_of_the_maps_of_the_backbone() -> None:
    pyramid = fpngraph.FeaturePyramid("test_efficientnet", "bifpn", params=SMALL).eval()
    image = torch.randn(2, 3, 100, 132)

    maps = pyramid(image)

    expected = pyramid.neck(feature_maps(pyramid.backbone, image))
    assert type(maps) is OrderedDict
    assert list(maps) == ["P3", "P4", "P5", "P6", "P7"]
    assert all(torch.equal(x, y) for x, y in zip(maps.values(), expected, strict=True))
    assert [tuple(x.shape[-2:]) for x in maps.values()] == [(13, 17), (7, 9), (4, 5), (2, 3), (1, 2)]
    assert pyramid.out_channels == 8
    assert pyramid.out_strides == {"P3": 8, "P4": 16, "P5": 32, "P6": 64, "P7": 128}


def test_a_width_for_each_level_is_a_list_in_the_order_of_the_outputs() -> None:
    graph = fpngraph.loads(
        """
        fpngraph: 1
        name: two widths
        inputs: C(3..4)
        nodes:
          P(3..4): {inputs: [{from: C(l), project: always}], channels: $(8 * l)}
        outputs: [P4, P3]
        """
    )

    assert fpngraph.FeaturePyramid("test_efficientnet", graph).out_channels == [32, 24]


def test_inputs_are_fed_by_their_levels_whatever_their_order() -> None:
    text = """
        fpngraph: 1
        name: reversed
        inputs: [C5, C3]
        nodes:
          P5: {inputs: [C5]}
          P3: {inputs: [C3]}
        outputs: [P5, P3]
        """
    pyramid = fpngraph.FeaturePyramid("test_efficientnet", fpngraph.loads(text)).eval()

    maps = pyramid(torch.randn(1, 3, 64, 64))

    assert {name: tuple(x.shape[-2:]) for name, x in maps.items()} == {"P5": (2, 2), "P3": (8, 8)}


def test_maps_of_one_stride_are_inputs_by_their_places() -> None:
    text = """
        fpngraph: 1
        name: depths
        inputs: {shallow: 4, deep: 4}
        nodes:
          P4: {inputs: [shallow, deep]}
        outputs: [P4]
        """
    pyramid = fpngraph.FeaturePyramid("test_vit", fpngraph.loads(text), out_indices=[0, 3]).eval()
    image = torch.randn(1, 3, 160, 160)

    maps = pyramid(image)

    shallow, deep = feature_maps(pyramid.backbone, image)
    assert not torch.equal(shallow, deep)
    assert torch.equal(maps["P4"], shallow + deep)


def test_arguments_reach_the_graph_and_the_backbone() -> None:
    pyramid = fpngraph.FeaturePyramid(
        "test_efficientnet", "bifpn", preset="d1", params={"repeats": 1}, in_chans=1, out_indices=(2, 3, 4)
    )

    assert pyramid.out_channels == 88
    assert pyramid(torch.randn(2, 1, 64, 64))["P3"].shape == (2, 88, 8, 8)


def test_keys_of_the_state_are_timms_and_the_necks() -> None:
    pyramid = fpngraph.FeaturePyramid("test_efficientnet", "bifpn", params=SMALL)

    keys = set(pyramid.state_dict())

    assert {"backbone.conv_stem.weight", "neck.bifpn.0.td6.fusion.weight"} <= keys
    assert {key.partition(".")[0] for key in keys} == {"backbone", "neck"}


def test_a_copy_gives_the_same_maps() -> None:
    pyramid = fpngraph.FeaturePyramid("test_efficientnet", "bifpn", params=SMALL).eval()
    image = torch.randn(1, 3, 64, 64)

    twin = copy.deepcopy(pyramid)

    assert all(torch.equal(twin(image)[name], x) for name, x in pyramid(image).items())


def test_a_loaded_graph_has_its_parameters_already() -> None:
    graph = fpngraph.load("bifpn")

    with pytest.raises(ValueError) as caught:
        fpngraph.FeaturePyramid("test_efficientnet", graph, params=SMALL)

    assert str(caught.value) == (
        "'preset' and 'params' are for the name or path of a graph, but 'graph' is loaded already"
    )
