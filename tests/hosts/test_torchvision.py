"""Models of torchvision with a neck in the place of their own, for key points and for segmentation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.models.detection import FasterRCNN, KeypointRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads, KeypointRCNNPredictor
from torchvision.models.feature_extraction import create_feature_extractor
from torchvision.models.segmentation import FCN, DeepLabV3
from torchvision.models.segmentation.deeplabv3 import DeepLabHead
from torchvision.models.segmentation.fcn import FCNHead

import fpngraph
from fpngraph.adapters.host import HostError
from fpngraph.adapters.torchvision import anchor_generator, check, roi_align
from tests.oracles.reference import randomised
from tests.pages import run_page

pytestmark = pytest.mark.hosts

MAPS = {4: ("0", 64), 8: ("1", 128), 16: ("2", 256), 32: ("3", 512)}
NAMES = {"0": "P2", "1": "P3", "2": "P4", "3": "P5", "pool": "P6"}
SMALL: dict[str, Any] = {
    "min_size": 128,
    "max_size": 128,
    "rpn_post_nms_top_n_train": 40,
    "box_batch_size_per_image": 16,
}
STEPS = 4


def swapped() -> FasterRCNN:
    """torchvision's Faster R-CNN, with its pyramid changed for a graph."""
    backbone = resnet_fpn_backbone(
        backbone_name="resnet18", weights=None, trainable_layers=5, norm_layer=nn.BatchNorm2d
    )
    backbone.fpn = fpngraph.plug("panet", MAPS, outputs=NAMES, params={"channels": 32})
    backbone.out_channels = 32
    return FasterRCNN(backbone, 3, **SMALL)


def keypoint_rcnn() -> KeypointRCNN:
    pyramid = fpngraph.FeaturePyramid("test_efficientnet", "fpn", params={"channels": 32})
    return KeypointRCNN(
        pyramid,
        num_classes=2,
        rpn_anchor_generator=anchor_generator(pyramid, scales=(8,)),
        box_roi_pool=roi_align(pyramid),
        keypoint_roi_pool=roi_align(pyramid, output_size=14),
        keypoint_head=KeypointRCNNHeads(32, (32,)),  # torchvision's has eight of 512 channels
        keypoint_predictor=KeypointRCNNPredictor(32, 3),
        **SMALL,
    )


def scene() -> tuple[Tensor, dict[str, Tensor]]:
    """A dark image of an odd size with a bright rectangle, and three points on it."""
    image = torch.full((3, 121, 99), 0.1)
    image[:, 20:90, 30:80] = 0.8
    points = torch.tensor([[[35.0, 25, 1], [75, 25, 1], [55, 85, 1]]])
    return image, {"boxes": torch.tensor([[30.0, 20, 80, 90]]), "labels": torch.tensor([1]), "keypoints": points}


@pytest.mark.slow
@pytest.mark.parametrize("make", [swapped, keypoint_rcnn])
def test_a_detector_learns_and_detects(make: Callable[[], Any]) -> None:
    torch.manual_seed(0)
    detector = make().train()
    check(detector)
    image, target = scene()
    optimizer = torch.optim.AdamW(detector.parameters(), lr=1e-4)

    losses = []
    for _ in range(STEPS):
        torch.manual_seed(1)  # proposals are sampled
        loss = sum(detector([image, image], [target, target]).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        (found,) = detector.eval()([image])

    assert losses[-1] < losses[0]
    assert [name for name, x in detector.backbone.named_parameters() if x.requires_grad and x.grad is None] == []
    assert (found["boxes"] <= torch.tensor([99.0, 121, 99, 121])).all()
    if make is keypoint_rcnn:
        assert found["keypoints"].shape[1:] == (3, 3)


def test_its_own_pyramid_changed_for_the_same_graph_gives_the_same_maps() -> None:
    backbone = resnet_fpn_backbone(backbone_name="resnet18", weights=None, norm_layer=nn.BatchNorm2d)
    randomised(backbone).double().eval()
    image = torch.rand(1, 3, 97, 131, dtype=torch.float64)
    neck = fpngraph.plug("fpn", MAPS, outputs=NAMES).double()
    fpngraph.load_from(neck.neck, backbone.state_dict(), "torchvision.FeaturePyramidNetwork", prefix="fpn.")

    with torch.no_grad():
        expected = backbone(image)
        backbone.fpn = neck
        found = backbone(image)

    assert list(found) == list(expected)
    for name, x in expected.items():
        assert (found[name] - x).abs().max() < 1e-12 * x.abs().max()


@pytest.mark.parametrize("kind", ["FCN", "DeepLabV3"])
def test_a_segmentation_model_learns_from_images_of_odd_sizes(kind: str) -> None:
    torch.manual_seed(0)
    stages = {"layer1": "0", "layer2": "1", "layer3": "2", "layer4": "3"}
    body = create_feature_extractor(resnet18(weights=None), stages)
    neck = fpngraph.plug("fpn", MAPS, outputs={"out": "P2", "aux": "P4"}, params={"channels": 32})
    backbone = nn.Sequential(body, neck)
    model = FCN(backbone, FCNHead(32, 3), FCNHead(32, 3)) if kind == "FCN" else DeepLabV3(backbone, DeepLabHead(32, 3))
    images = torch.rand(2, 3, 97, 75)
    masks = torch.zeros(2, 97, 75, dtype=torch.long)
    masks[:, 20:70, 30:60] = 1
    images += masks[:, None]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    losses = []
    for _ in range(STEPS):
        torch.manual_seed(1)
        found = model.train()(images)
        loss = sum(nn.functional.cross_entropy(x, masks) for x in found.values())
        assert isinstance(loss, Tensor)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    names = ["out", "aux"] if kind == "FCN" else ["out"]
    assert {name: tuple(x.shape) for name, x in found.items()} == dict.fromkeys(names, (2, 3, 97, 75))
    assert losses[-1] < losses[0]


def narrow() -> FasterRCNN:
    detector = swapped()
    detector.backbone.fpn = fpngraph.plug("panet", MAPS, outputs=NAMES, params={"channels": 16})
    return detector


def fewer() -> FasterRCNN:
    detector = swapped()
    detector.backbone.fpn = fpngraph.plug(
        "panet", MAPS, outputs={"0": "P2", "1": "P3", "2": "P4"}, params={"channels": 32}
    )
    return detector


def misnamed() -> FasterRCNN:
    detector = swapped()
    detector.backbone.fpn = fpngraph.plug(
        "panet", MAPS, outputs=dict(zip(NAMES.values(), NAMES.values(), strict=True)), params={"channels": 32}
    )
    return detector


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            narrow,
            "the maps of the neck have 16, 16, 16, 16, 16 channels, but the backbone's out_channels is 32\n"
            "  hint: set it before heads are made",
        ),
        (fewer, "the anchors are for 5 maps, but the pyramid gives 3: 0, 1, 2"),
        (misnamed, "the pooling reads '0', '1', '2', '3', but the maps of the pyramid are P2, P3, P4, P5, P6"),
    ],
)
def test_a_swapped_neck_that_does_not_fit_is_told(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(HostError) as caught:
        check(make())

    assert str(caught.value) == message


@pytest.mark.slow
def test_documentation_runs_and_its_detectors_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    run_page("hosts/torchvision.md", of_host=lambda namespace: assert_trains_and_detects(namespace["detector"]))


def assert_trains_and_detects(detector: Any) -> None:
    """One image, of a size that a test has time for, gives finite losses, and then boxes."""
    detector.transform.min_size, detector.transform.max_size = (96,), 96
    image = torch.rand(3, 96, 80)
    target = {
        "boxes": torch.tensor([[8.0, 10, 70, 60]]),
        "labels": torch.tensor([7]),
        "masks": torch.ones(1, 96, 80, dtype=torch.uint8),
    }

    losses = detector.train()([image, image], [target, target])
    with torch.no_grad():
        (found,) = detector.eval()([image])

    assert all(loss.isfinite() for loss in losses.values())
    assert found["boxes"].shape == (len(found["scores"]), 4)
