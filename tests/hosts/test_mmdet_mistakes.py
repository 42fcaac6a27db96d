"""What does not fit a detector of mmdet is told before its first image: when it is built, or by ``check``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from fpngraph import GraphError
from fpngraph.adapters import HostError
from tests.hosts.mmdets import NARROW, WIDTHS, configuration, mmdet, trained

pytestmark = pytest.mark.hosts

RETINANET = "retinanet/retinanet_r50_fpn_1x_coco.py"
FASTER_RCNN = "faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py"
DETR = "deformable_detr/deformable-detr_r50_16xb2-50e_coco.py"
ALL = "P3, P4, P5, P6, P7"


@pytest.fixture(autouse=True)
def host() -> Iterator[None]:
    with mmdet():
        yield


def bifpn(**said: Any) -> dict[str, Any]:
    return {**NARROW, "graph": "bifpn", "params": {"channels": 32, "repeats": 1}, **said}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        pytest.param({"num_outs": 4}, f"num_outs is 4, but the graph has 5 outputs: {ALL}", id="number of maps"),
        pytest.param(
            {"outputs": ["P4"], "num_outs": 5}, "num_outs is 5, but the graph has 1 output: P4", id="of fewer outputs"
        ),
        pytest.param(
            {"out_channels": 256}, f"out_channels is 256, but the maps of the neck have 32 channels: {ALL}", id="width"
        ),
        pytest.param(
            {"out_channels": [32, 64], "outputs": ["P3", "P4"]},
            "out_channels is 32, 64, but the maps of the neck have 32, 32 channels: P3, P4",
            id="widths",
        ),
        pytest.param(
            {"in_channels": WIDTHS[1:]},
            "in_channels has 3 entries, but strides has 4: 4, 8, 16, 32\n"
            "  hint: give both for every map of the backbone, such as strides=(8, 16, 32)",
            id="maps without a stride",
        ),
        pytest.param(
            {"in_channels": 8},
            "in_channels is 8, but must have a number for every map of the backbone",
            id="one number",
        ),
        pytest.param(
            {"outputs": {"a": "P3"}},
            "outputs is a mapping, but must be a list: the heads take maps in order, not by name",
            id="outputs by name",
        ),
    ],
)
def test_arguments_that_do_not_go_together_are_told_when_it_is_built(said: Mapping[str, Any], message: str) -> None:
    from mmdet.registry import MODELS

    with pytest.raises(HostError) as caught:
        MODELS.build(bifpn(**said))

    assert str(caught.value) == message


def test_a_stride_that_the_backbone_does_not_have_is_told_when_it_is_built() -> None:
    from mmdet.registry import MODELS

    with pytest.raises(GraphError) as caught:
        MODELS.build(bifpn(in_channels=WIDTHS[:3], strides=(2, 4, 8)))

    assert str(caught.value) == (
        "graph 'BiFPN' takes maps of the strides 8, 16, 32, but the host has 2, 4, 8: 16, 32 is missing [in-channels]"
    )


STRIDES = "8, 16, 32, 64, 128"
MISMATCHES: Mapping[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "number of maps": (
        RETINANET,
        bifpn(outputs=["P3", "P4", "P5"]),
        {},
        f"bbox_head is for maps of the strides {STRIDES}, but the neck gives 8, 16, 32: P3, P4, P5",
    ),
    "strides": (
        RETINANET,
        {**NARROW, "graph": "fpn", "params": {"channels": 32}},
        {},
        f"bbox_head is for maps of the strides {STRIDES}, but the neck gives 4, 8, 16, 32, 64: P2, P3, P4, P5, P6",
    ),
    "width": (
        RETINANET,
        bifpn(),
        {"bbox_head.in_channels": 256},
        f"in_channels of bbox_head is 256, but the maps of the neck have 32 channels: {ALL}",
    ),
    "another order": (
        RETINANET,
        bifpn(outputs=["P7", "P6", "P5", "P4", "P3"]),
        {},
        f"bbox_head is for maps of the strides {STRIDES}, but the neck gives 128, 64, 32, 16, 8: P7, P6, P5, P4, P3",
    ),
    "channels of the backbone": (
        RETINANET,
        bifpn(in_channels=[8, 16, 32, 128]),
        {},
        "in_channels of the neck is 8, 16, 32, 128, but the backbone gives maps with 8, 16, 32, 64",
    ),
    "strides of the backbone": (
        RETINANET,
        bifpn(),
        {"backbone.strides": [1, 2, 2, 1]},
        "strides of the neck is 4, 8, 16, 32, but the backbone gives maps with 4, 8, 16, 16",
    ),
    "maps of the backbone": (
        RETINANET,
        bifpn(),
        {"backbone.out_indices": [1, 2, 3]},
        "in_channels of the neck is 8, 16, 32, 64, but the backbone gives maps with 16, 32, 64",
    ),
    "proposals": (
        FASTER_RCNN,
        {**NARROW, "graph": "fpn", "params": {"channels": 32, "max": 5}},
        {},
        "rpn_head is for maps of the strides 4, 8, 16, 32, 64, but the neck gives 4, 8, 16, 32: P2, P3, P4, P5",
    ),
    "width of regions": (
        FASTER_RCNN,
        {**NARROW, "graph": "fpn", "params": {"channels": 32}},
        {"roi_head.bbox_roi_extractor.out_channels": 64},
        "out_channels of roi_head.bbox_roi_extractor is 64, but the maps of the neck have 32 channels: P2, P3, P4, P5",
    ),
    "strides of regions": (
        FASTER_RCNN,
        {**NARROW, "graph": "fpn", "params": {"channels": 32}},
        {"roi_head.bbox_roi_extractor.featmap_strides": [8, 16, 32, 64]},
        "roi_head.bbox_roi_extractor is for maps of the strides 8, 16, 32, 64, but the neck gives 4, 8, 16, 32, 64: "
        "P2, P3, P4, P5, P6",
    ),
    "levels of a transformer": (
        DETR,
        {**NARROW, "graph": "fpn", "params": {"channels": 256}},
        {},
        "num_feature_levels of the detector is 4, but the graph has 5 outputs: P2, P3, P4, P5, P6",
    ),
    "width of a transformer": (
        DETR,
        {**NARROW, "graph": "fpn", "params": {"channels": 64, "max": 5}},
        {},
        "embed_dims of the detector is 256, but the maps of the neck have 64 channels: P2, P3, P4, P5",
    ),
    "another neck": (
        RETINANET,
        {"type": "FPN", "in_channels": list(WIDTHS), "out_channels": 32, "start_level": 1, "num_outs": 5},
        {},
        "the neck is of the class FPN, but an FPNGraph is required, alone or as the last of a list",
    ),
}


@pytest.mark.parametrize(("file", "neck", "options", "message"), MISMATCHES.values(), ids=MISMATCHES)
def test_a_detector_that_does_not_fit_its_neck_is_told(
    file: str, neck: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    from mmdet.registry import MODELS

    from fpngraph.adapters.mmdet import check

    config = configuration(file)
    config.model.neck = neck
    config.merge_from_dict({f"model.{key}": value for key, value in options.items()})
    model = MODELS.build(config.model)

    with pytest.raises(HostError) as caught:
        check(model)

    assert str(caught.value) == message


def test_checking_changes_nothing_of_a_detector() -> None:
    from mmdet.registry import MODELS

    from fpngraph.adapters.mmdet import check

    config = configuration(RETINANET)
    config.model.backbone.norm_eval = False
    config.model.neck = bifpn()
    model = MODELS.build(config.model).train()
    before, seed = {name: tensor.clone() for name, tensor in model.state_dict().items()}, torch.get_rng_state()

    check(model)

    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), seed)
    assert model.backbone.training


def needs_numbers(model: Any) -> None:
    """A backbone with an operator that gives no maps without them, as compiled ones may."""
    model.backbone.layer4.forward = lambda x: x * x.mean().item()


def pools_from_a_head(model: Any) -> None:
    """HTC pools once more, from a map that a head makes."""
    model.roi_head.semantic_roi_extractor = copy.deepcopy(model.roi_head.bbox_roi_extractor)
    model.roi_head.semantic_roi_extractor.out_channels = 7


@pytest.mark.parametrize("change", [needs_numbers, pools_from_a_head])
def test_what_cannot_be_compared_is_left_alone(change: Callable[[Any], None]) -> None:
    from mmdet.registry import MODELS

    from fpngraph.adapters.mmdet import check

    config = configuration(FASTER_RCNN)
    config.model.neck = {**NARROW, "graph": "fpn", "params": {"channels": 32}}
    model = MODELS.build(config.model)
    change(model)

    check(model)


def test_a_detector_without_a_neck_is_told() -> None:
    from fpngraph.adapters.mmdet import check

    with pytest.raises(HostError) as caught:
        check(nn.Identity())

    assert str(caught.value) == "there is no neck, but an FPNGraph is required, alone or as the last of a list"


def test_a_runner_with_the_hook_stops_before_its_first_image(tmp_path: Path) -> None:
    config = configuration(RETINANET)
    config.model.neck = bifpn(outputs=["P3", "P4", "P5"])
    config.custom_hooks = [{"type": "CheckFPNGraph"}]

    with pytest.raises(HostError) as caught:
        trained(config, tmp_path)

    assert str(caught.value) == MISMATCHES["number of maps"][-1]


def test_the_hook_looks_at_the_detector_in_a_wrapper() -> None:
    from mmdet.registry import MODELS

    from fpngraph.adapters.mmdet import CheckFPNGraph

    config = configuration(RETINANET)
    config.model.neck = bifpn(outputs=["P3", "P4", "P5"])
    wrapped = nn.DataParallel(MODELS.build(config.model))

    with pytest.raises(HostError) as caught:
        CheckFPNGraph().before_run(SimpleNamespace(model=wrapped))

    assert str(caught.value) == MISMATCHES["number of maps"][-1]


def test_a_graph_whose_stages_mmengine_has_sorted_is_refused_but_one_that_is_text_is_not(tmp_path: Path) -> None:
    from mmengine.config import Config
    from mmengine.registry import MODELS

    import fpngraph
    import fpngraph.adapters.mmdet

    text = fpngraph.dump(fpngraph.load("bifpn", channels=8, repeats=2))
    graph = fpngraph.loads(text)
    stages = {"one": {"nodes": {"A3": {"inputs": ["C3"]}}}, "all": {"nodes": {"B3": {"inputs": ["A3"]}}}}
    mine = {"fpngraph": 1, "name": "n", "inputs": {"C3": 3}, "defaults": {"channels": 8}, "stages": stages}
    neck = {"type": "FPNGraph", "graph": mine | {"outputs": ["B3"]}, "in_channels": [8], "strides": [8]}
    MODELS.build(neck)

    for said in (neck, {**NARROW, "type": "FPNGraph", "graph": text}):
        Config({"neck": said}).dump(tmp_path / "dumped.yaml")
        dumped = Config.fromfile(tmp_path / "dumped.yaml").neck
        if said is neck:
            with pytest.raises(HostError, match="but mmengine's YAML sorts mappings"):
                MODELS.build(dumped)
        else:
            assert MODELS.build(dumped).plugged.neck.source_graph == graph
