"""What does not fit a detector of detectron2 is told by an error of ours, before the first image."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from fpngraph.adapters.host import HostError
from tests.hosts.detectrons import FASTER_RCNN, OWN, RETINANET, configured, detectron2, lazy_retinanet

pytestmark = pytest.mark.hosts

STAGES = {"stages": {"one": {}, "two": {}}}
TWICE = """\
{fpngraph: 1, name: twice, inputs: C(3..5), defaults: {channels: 8},
 nodes: {A4: {inputs: [C4]}, B4: {inputs: [C3]}, P5: {inputs: [C5]}}, outputs: [A4, B4, P5]}
"""


@pytest.fixture(scope="module")
def d2() -> SimpleNamespace:
    return detectron2()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            RETINANET.replace("repeats: 1", "repeats: 1, max: 6"),
            "the detector reads 'p7', but the maps of the neck are p3, p4, p5, p6\n"
            "  hint: say these in the IN_FEATURES of the head, with as many sizes of anchors",
            id="names of a head",
        ),
        pytest.param(
            FASTER_RCNN.replace("panet", "bifpn"),
            "the detector reads 'p2', but the maps of the neck are p3, p4, p5, p6, p7\n"
            "  hint: say these in the IN_FEATURES of the head, with as many sizes of anchors",
            id="names of proposals",
        ),
        pytest.param(
            "  META_ARCHITECTURE: RetinaNet\n",
            "MODEL.FPNGRAPH.GRAPH is empty, but must be the name, path or text of a graph",
            id="no graph",
        ),
        pytest.param(
            RETINANET.replace("{GRAPH", "{IN_FEATURES: [res3, res6], GRAPH"),
            "in_features has 'res6', but bottom_up gives res2, res3, res4, res5",
            id="maps of the backbone",
        ),
        pytest.param(
            RETINANET.replace("{GRAPH", "{IN_FEATURES: [res3, res4], GRAPH"),
            "graph 'BiFPN' takes maps of the strides 8, 16, 32, but the host has 8, 16: 32 is missing [in-channels]",
            id="strides",
        ),
    ],
)
def test_a_yacs_configuration_that_does_not_fit_builds_no_detector(
    d2: SimpleNamespace, tmp_path: Any, text: str, message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        d2.build(configured(d2, tmp_path, text))

    assert str(caught.value) == message


def test_a_configuration_that_was_not_told_of_the_keys_says_so(d2: SimpleNamespace) -> None:
    cfg = d2.config.get_cfg()
    cfg.MODEL.BACKBONE.NAME = "build_resnet_fpngraph_backbone"

    with pytest.raises(HostError) as caught:
        d2.backbone.build_backbone(cfg)

    assert str(caught.value) == ("the configuration has no MODEL.FPNGRAPH\n  hint: call add_fpngraph_config(cfg) first")


def other_strides(cfg: Any) -> None:
    cfg.anchor_generator.strides = [4, 8, 16]


def other_names(cfg: Any) -> None:
    cfg.head_in_features = ["p3", "p4", "P5"]


def other_widths(cfg: Any) -> None:
    cfg.head.input_shape[0].channels = 24


def other_backbone(cfg: Any) -> None:
    cfg.backbone = cfg.backbone.bottom_up
    cfg.head_in_features = ["res3", "res4", "res5"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_strides, "anchor_generator is for the strides 4, 8, 16, but what it reads has 8, 16, 32"),
        (other_names, "head_in_features reads 'P5', but the maps of the neck are p3, p4, p5"),
        (other_widths, "head is for maps of 24 channels, but those that it reads have 16, 16, 16"),
        (other_backbone, "the backbone is a ResNet, but an FPNGraph is required"),
    ],
    ids=["strides", "names", "widths", "another backbone"],
)
def test_a_lazy_detector_that_does_not_fit_is_told(
    d2: SimpleNamespace, change: Callable[[Any], None], message: str
) -> None:
    cfg = lazy_retinanet(d2, OWN)
    change(cfg)
    detector = d2.config.instantiate(cfg)

    with pytest.raises(HostError) as caught:
        d2.ours.check(detector)

    assert str(caught.value) == message


def test_regions_that_are_pooled_at_other_strides_are_told(d2: SimpleNamespace, tmp_path: Any) -> None:
    detector = d2.build(configured(d2, tmp_path, FASTER_RCNN))
    detector.roi_heads.box_pooler.level_poolers[0].spatial_scale = 1 / 2

    with pytest.raises(HostError) as caught:
        d2.ours.check(detector)

    assert str(caught.value) == (
        "roi_heads.box_pooler is for the strides 2, 8, 16, 32, but what it reads has 4, 8, 16, 32"
    )


def test_a_head_for_regions_of_other_channels_is_told(d2: SimpleNamespace, tmp_path: Any) -> None:
    detector = d2.build(configured(d2, tmp_path, FASTER_RCNN))
    detector.roi_heads.box_head = nn.Sequential(nn.Flatten(), nn.Linear(64 * 14 * 14, 8))

    with pytest.raises(HostError) as caught:
        d2.ours.check(detector)

    assert str(caught.value) == (
        "roi_heads.box_head is for maps of 64 channels, but those that it reads have 32, 32, 32, 32"
    )


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        pytest.param(
            STAGES,
            "the graph is a mapping with stages, whose order means something, but detectron2 sorts mappings when it "
            "saves a configuration\n  hint: give the graph as text, or as the path of a file",
            id="stages",
        ),
        pytest.param(
            TWICE,
            "the graph has several outputs of stride 16: A4, B4\n"
            "  hint: name those that the detector reads, such as outputs={'p4': ...}",
            id="two outputs of one stride",
        ),
    ],
)
def test_a_graph_that_detectron2_would_take_wrongly_is_refused(d2: SimpleNamespace, graph: Any, message: str) -> None:
    cfg = lazy_retinanet(d2, graph).backbone
    cfg.params = {}

    with pytest.raises(HostError) as caught:
        d2.config.instantiate(cfg)

    assert str(caught.value) == message
