"""Detectors of torchvision with our necks are written as models of ONNX that find the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS, FasterRCNN

from fpngraph import FeaturePyramid
from fpngraph.adapters.torchvision import anchor_generator, point_generator, roi_align
from fpngraph.detection import Detections
from fpngraph.exporting import ExportError, export_torchvision
from fpngraph.exporting.alike import alike, images_of
from fpngraph.exporting.onnx import run_of
from fpngraph.feature import Size

pytestmark = pytest.mark.exports
SIDES = {"min_size": 96, "max_size": 128}


def pyramid() -> FeaturePyramid:
    torch.manual_seed(0)
    return FeaturePyramid("test_efficientnet", "fpn", params={"channels": 32})


def faster_rcnn() -> nn.Module:
    made = pyramid()
    anchors = anchor_generator(made, scales=(8,))
    return FasterRCNN(made, 3, rpn_anchor_generator=anchors, box_roi_pool=roi_align(made), **SIDES)


def fcos() -> nn.Module:
    made = pyramid()
    detector = FCOS(made, 3, anchor_generator=point_generator(made), **SIDES)
    nn.init.normal_(detector.head.classification_head.cls_logits.weight, std=0.1)
    return detector


def image(height: int, width: int) -> Tensor:
    return images_of(1, Size(height, width))[0][0] / 255


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("make", [faster_rcnn, fcos])
def test_a_model_of_onnx_finds_what_the_detector_finds_in_other_images(make: type[nn.Module]) -> None:
    detector = make()
    training = detector.training

    exported = export_torchvision(detector, [image(96, 128), torch.rand(3, 96, 128)])

    assert detector.training is training
    assert exported.comparison.found > 100
    other = image(96, 128).flip(2)
    (wanted,) = detector.eval()([other])
    found = Detections(*run_of(exported.content, ["image"])([other]))
    both = alike(found, Detections(wanted["boxes"], wanted["scores"], wanted["labels"]), 128)
    assert both.alike >= 0.98 * both.found > 50


@pytest.mark.parametrize(
    "images",
    [[], [torch.rand(3, 64, 64), torch.rand(3, 64, 65)], [torch.zeros(3, 64, 64, dtype=torch.uint8)]],
    ids=["none", "two sizes", "integers"],
)
def test_images_of_one_size_are_required(images: list[Tensor]) -> None:
    with pytest.raises(ExportError) as caught:
        export_torchvision(nn.Identity(), images)

    assert str(caught.value) == (
        "images must be tensors [3, height, width] of one size, from 0 to 1, to trace and compare with"
    )


class Nothing(nn.Module):
    """A detector that finds nothing."""

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        none = images[0][0, :0, 0]
        return [{"boxes": none[:, None].expand(-1, 4), "scores": none, "labels": none.long()} for _ in images]


def test_a_detector_that_finds_nothing_is_refused() -> None:
    with pytest.raises(ExportError, match=r"^the detector finds nothing in these images"):
        export_torchvision(Nothing(), [image(64, 64)])


def test_a_detector_without_weights_is_refused() -> None:
    with pytest.raises(ExportError, match=r"^the detector has no weights yet"):
        export_torchvision(faster_rcnn().to("meta"), [image(64, 64)])
