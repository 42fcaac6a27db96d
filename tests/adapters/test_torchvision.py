"""A pyramid is the backbone of torchvision's detectors: each trains and detects, and a mismatch is told before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS, FasterRCNN, MaskRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads
from torchvision.models.detection.ssd import SSD
from torchvision.ops import MultiScaleRoIAlign

import fpngraph
from fpngraph.adapters import HostError
from fpngraph.adapters.torchvision import (
    anchor_generator,
    box_generator,
    check,
    point_generator,
    roi_align,
    ssd_head,
)

SIDE = 128
SMALL: Mapping[str, Any] = {"min_size": SIDE, "max_size": SIDE}
FEW: Mapping[str, Any] = {"rpn_post_nms_top_n_train": 40, "box_batch_size_per_image": 16, **SMALL}
STEPS = 6


def pyramid(graph: str = "bifpn", **params: object) -> fpngraph.FeaturePyramid:
    narrow = {"channels": 32} | ({"repeats": 1} if graph == "bifpn" else {}) | params
    return fpngraph.FeaturePyramid("test_efficientnet", graph, params=narrow)


def unequal() -> fpngraph.FeaturePyramid:
    """Two maps, of 24 and 32 channels."""
    text = """
        fpngraph: 1
        name: unequal
        inputs: C(3..4)
        nodes:
          P(3..4): {inputs: [{from: C(l), project: always}], channels: $(8 * l)}
        outputs: P(3..4)
        """
    return fpngraph.FeaturePyramid("test_efficientnet", fpngraph.loads(text))


def retinanet() -> nn.Module:
    backbone = pyramid()
    return RetinaNet(backbone, 3, anchor_generator=anchor_generator(backbone), **SMALL)


def fcos() -> nn.Module:
    backbone = pyramid()
    return FCOS(backbone, 3, anchor_generator=point_generator(backbone), **SMALL)


def faster_rcnn() -> nn.Module:
    backbone = pyramid("fpn")
    return FasterRCNN(
        backbone,
        3,
        rpn_anchor_generator=anchor_generator(backbone, scales=(8,)),
        box_roi_pool=roi_align(backbone),
        **FEW,
    )


def mask_rcnn() -> nn.Module:
    backbone = pyramid("fpn")
    return MaskRCNN(
        backbone,
        3,
        rpn_anchor_generator=anchor_generator(backbone, scales=(8,)),
        box_roi_pool=roi_align(backbone),
        mask_roi_pool=roi_align(backbone, output_size=14),
        mask_head=MaskRCNNHeads(32, (256,), 1),  # torchvision's has four convolutions, which take seconds
        **FEW,
    )


def ssd() -> nn.Module:
    backbone = pyramid()
    boxes = box_generator(backbone)
    return SSD(backbone, boxes, (SIDE, SIDE), 3, head=ssd_head(backbone, boxes, 3))


def ssd_of_unequal_widths() -> nn.Module:
    backbone = unequal()
    return SSD(backbone, box_generator(backbone), (SIDE, SIDE), 3)


def scenes() -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """Two dark images, of other sizes than the detectors', with a bright rectangle of each of two classes."""
    images, targets = [], []
    for index, (height, width) in enumerate([(120, 128), (128, 99)]):
        image = torch.full((3, height, width), 0.1)
        boxes = torch.tensor([[10, 20, 60, 70], [50 - 20 * index, 60, 95, 110]])
        masks = torch.zeros(2, height, width, dtype=torch.uint8)
        for mask, (left, top, right, bottom), brightness in zip(masks, boxes.tolist(), (0.5, 0.9), strict=True):
            image[:, top:bottom, left:right] = brightness
            mask[top:bottom, left:right] = 1
        images.append(image)
        targets.append({"boxes": boxes.float(), "labels": torch.tensor([1, 2]), "masks": masks})
    return images, targets


@pytest.mark.slow
@pytest.mark.parametrize("make", [retinanet, fcos, faster_rcnn, mask_rcnn, ssd, ssd_of_unequal_widths])
def test_a_detector_on_a_pyramid_learns_and_detects(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    detector = make().train()
    check(detector)
    images, targets = scenes()
    optimizer = torch.optim.AdamW(detector.parameters(), lr=1e-3)

    losses = []
    for _ in range(STEPS):
        torch.manual_seed(1)  # detectors sample their proposals
        loss = sum(detector(images, targets).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        detections = detector.eval()(images)

    assert losses[-1] < losses[0]
    assert all(parameter.grad is not None for parameter in detector.backbone.neck.parameters())
    for image, found in zip(images, detections, strict=True):
        assert found["boxes"].shape == (len(found["scores"]), 4)
        assert (found["boxes"] <= torch.tensor([image.shape[2], image.shape[1]] * 2)).all()


def test_default_anchors_are_those_of_retinanet_for_its_levels() -> None:
    theirs = RetinaNet(pyramid(), 2).anchor_generator

    ours = anchor_generator(pyramid())

    assert (ours.sizes, ours.aspect_ratios) == (theirs.sizes, theirs.aspect_ratios)


def test_anchors_of_one_scale_are_those_of_faster_rcnn_for_its_levels() -> None:
    backbone = pyramid("fpn")
    theirs = FasterRCNN(backbone, 2, box_roi_pool=roi_align(backbone)).rpn.anchor_generator

    ours = anchor_generator(backbone, scales=(8,))

    assert (ours.sizes, ours.aspect_ratios) == (theirs.sizes, theirs.aspect_ratios)


def test_points_are_those_of_fcos_for_its_levels() -> None:
    theirs = FCOS(pyramid(), 2).anchor_generator

    ours = point_generator(pyramid())

    assert (ours.sizes, ours.aspect_ratios) == (theirs.sizes, theirs.aspect_ratios)


def test_default_boxes_are_centred_on_the_pixels_of_a_map_at_its_stride() -> None:
    maps = [torch.zeros(1, 1, 2, 3)]  # of an image of 15 x 20 pixels
    generator = box_generator(unequal())
    generator.aspect_ratios, generator.steps = generator.aspect_ratios[:1], generator.steps[:1]

    (boxes,) = generator(ImageList(torch.zeros(1, 3, 15, 20), [(15, 20)]), maps)

    centres = (boxes[:, :2] + boxes[:, 2:]).div(2).round(decimals=3).unique(dim=0)
    torch.testing.assert_close(centres, torch.cartesian_prod(torch.tensor([4.0, 12, 20]), torch.tensor([4.0, 12])))


@pytest.mark.parametrize(
    ("graph", "params", "names"),
    [
        pytest.param("fpn", {}, ["P2", "P3", "P4", "P5"], id="the coarsest is for proposals"),
        pytest.param("bifpn", {"min": 5, "max": 7}, ["P5"], id="one"),
    ],
)
def test_regions_are_pooled_from_maps_up_to_stride_32(graph: str, params: dict[str, object], names: list[str]) -> None:
    pool = roi_align(pyramid(graph, **params), output_size=14, sampling_ratio=3)

    assert pool.featmap_names == names
    assert (pool.output_size, pool.sampling_ratio) == ((14, 14), 3)


def with_gap() -> fpngraph.FeaturePyramid:
    text = (
        "{fpngraph: 1, name: gap, inputs: [C3, C5], nodes: {P3: {inputs: [C3]}, P5: {inputs: [C5]}}, outputs: [P3, P5],"
    )
    return fpngraph.FeaturePyramid("test_efficientnet", fpngraph.loads(text + " defaults: {channels: 8}}"))


def wrong_anchors() -> nn.Module:
    return RetinaNet(pyramid(max=6), 3)


def wrong_names() -> nn.Module:
    backbone = pyramid("fpn")
    pool = MultiScaleRoIAlign(["0", "P3"], 7, 2)
    return FasterRCNN(backbone, 3, rpn_anchor_generator=anchor_generator(backbone, scales=(8,)), box_roi_pool=pool)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: point_generator(pyramid(channels=88)),
            "the maps have 88 channels, but a multiple of 32 is required: torchvision's head normalises 32 groups of "
            "them\n  hint: make the pyramid with 64 or 96 channels, or pass a head of your own",
            id="groups",
        ),
        pytest.param(
            lambda: point_generator(pyramid(channels=8)),
            "the maps have 8 channels, but a multiple of 32 is required: torchvision's head normalises 32 groups of "
            "them\n  hint: make the pyramid with 32 channels, or pass a head of your own",
            id="fewer channels than groups",
        ),
        pytest.param(
            lambda: anchor_generator(unequal()),
            "the maps have 24, 32 channels, but the same number is required: the head is one for all levels",
            id="anchors of unequal widths",
        ),
        pytest.param(
            lambda: roi_align(unequal()),
            "the maps have 24, 32 channels, but the same number is required: the head is one for all levels",
            id="regions of unequal widths",
        ),
        pytest.param(
            lambda: roi_align(with_gap()),
            "the pooled maps have the strides 8, 32, but each has to be twice the one before",
            id="a level is left out",
        ),
        pytest.param(
            lambda: ssd_head(pyramid(), DefaultBoxGenerator([[2], [2]]), 3),
            "the anchors are for 2 maps, but the pyramid gives 5: P3, P4, P5, P6, P7",
            id="levels of boxes",
        ),
        pytest.param(
            lambda: check(wrong_anchors()),
            "the anchors are for 5 maps, but the pyramid gives 4: P3, P4, P5, P6",
            id="levels of a detector",
        ),
        pytest.param(
            lambda: check(wrong_names()),
            "the pooling reads '0', but the maps of the pyramid are P2, P3, P4, P5, P6",
            id="names of a detector",
        ),
        pytest.param(
            lambda: check(RetinaNet(with_width(nn.Identity(), 8), 3)),
            "the backbone is a Identity, but a FeaturePyramid is required, or one of torchvision with a neck of "
            "fpngraph.plug as its 'fpn'",
            id="another backbone",
        ),
    ],
)
def test_what_does_not_fit_is_told_before_training(make: Callable[[], object], message: str) -> None:
    with pytest.raises(HostError) as caught:
        make()

    assert str(caught.value) == message


def with_width(module: nn.Module, width: int) -> nn.Module:
    module.out_channels = width
    return module
