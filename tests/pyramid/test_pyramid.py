"""A backbone and a compiled graph are one module from image to maps."""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Mapping

import pytest
import timm
import torch
from timm.optim import param_groups_layer_decay

import fpngraph
from fpngraph.efficientdet import EfficientDet
from fpngraph.pyramid.backbone import BackboneError, feature_maps

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


def decays(model: torch.nn.Module) -> Mapping[str, float]:
    """How timm scales the learning rate of each parameter, in powers of a half."""
    groups = param_groups_layer_decay(model, layer_decay=0.5)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    scales = {names[id(p)]: math.log2(group["lr_scale"]) for group in groups for p in group["params"]}
    assert scales.keys() == set(names.values())
    return scales


@pytest.mark.parametrize(
    ("name", "levels"),
    [("resnet18", (3, 5)), ("convnext_atto", (3, 5)), ("efficientnet_b0", (3, 5)), ("efficientvit_m0", (4, 6))],
    ids=["as it is", "flattened", "cut", "flattened with a name of two words"],
)
def test_layers_learn_as_slowly_as_in_timms_model_and_the_neck_is_the_last(name: str, levels: tuple[int, int]) -> None:
    params = {"channels": 8, "repeats": 1, "min": levels[0], "backbone_max": levels[1], "max": levels[1]}
    with torch.device("meta"):
        pyramid, whole = fpngraph.FeaturePyramid(name, "bifpn", params=params), timm.create_model(name)

    found, theirs = decays(pyramid), decays(whole)

    assert {scale for own, scale in found.items() if own.startswith("neck.")} == {0}
    names = {own.removeprefix("backbone."): own for own in found if own.startswith("backbone.")}
    flat = {other.replace(".", "_"): scale for other, scale in theirs.items()}
    order = {own: flat[own.replace(".", "_")] for own in names}
    ranks = {scale: rank for rank, scale in enumerate(sorted(set(order.values()), reverse=True), 1)}
    assert {own: -found[names[own]] for own in names} == {own: ranks[scale] for own, scale in order.items()}


def test_a_detector_has_the_neck_and_the_heads_as_its_last_layer() -> None:
    model: EfficientDet = fpngraph.efficientdet.create(
        "efficientdet_d0", backbone="resnet18", backbone_args={}, params={"channels": 8, "repeats": 1}
    )

    found = decays(model)

    assert {own.partition(".")[0] for own, scale in found.items() if scale == 0} == {"neck", "class_head", "box_head"}
    assert found["backbone.conv1.weight"] == min(found.values()) < found["backbone.layer4.1.conv2.weight"] == -1


def test_stages_are_layers_where_layers_are_coarse() -> None:
    matcher = fpngraph.FeaturePyramid("resnet18", "bifpn", params=SMALL).group_matcher(coarse=True)

    names = ["conv1.weight", "layer1.0.conv1.weight", "layer1.1.conv1.weight", "layer2.0.conv1.weight"]
    first, second, third, fourth = (matcher(f"backbone.{name}") for name in names)
    assert first < second == third < fourth < matcher("neck.bifpn.0.td6.fusion.weight")


def test_a_backbone_without_layers_that_timm_knows_is_told() -> None:
    pyramid = fpngraph.FeaturePyramid("poolformer_s12", "fpn", params={"channels": 8})

    with pytest.raises(BackboneError) as caught:
        param_groups_layer_decay(pyramid)

    assert str(caught.value) == (
        "timm knows no layers of model 'poolformer_s12'\n  hint: make groups of parameters by hand"
    )


def test_a_parameter_of_the_graph_that_is_given_to_timm_is_told() -> None:
    with pytest.raises(BackboneError) as caught:
        fpngraph.FeaturePyramid("test_efficientnet", "bifpn", no_such_thing=1, channels=32)

    assert str(caught.value).startswith("timm makes no feature maps of model 'test_efficientnet': ")
    assert str(caught.value).endswith("\n  hint: 'channels' is a parameter of the graph: params={'channels': 32}")
