"""What the heads say as boxes: equal to effdet's prediction bench on the same maps, and right where it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from effdet.bench import DetBenchPredict
from torch import Tensor, nn

from fpngraph.efficientdet import Config, Detections, Original, Predictions, config
from fpngraph.efficientdet.boxes import detections
from fpngraph.feature import Size

STRIDES = (8, 16, 32, 64, 128)
ORIGINALS = [Original(Size(300, 410), 1.7), Original(Size(120, 90), 0.6)]


@dataclass(frozen=True)
class Case:
    size: tuple[int, int]
    name: str = "efficientdet_d0"
    num_classes: int = 90
    max_candidates: int = 5000


CASES = {
    "square": Case((192, 192)),
    "no stride divides it": Case((131, 203)),
    "few classes": Case((128, 192), num_classes=3, max_candidates=2000),
    "few candidates": Case((128, 192), max_candidates=300),
    "tiny, one class": Case((72, 80), num_classes=1, max_candidates=900),
    "aspect ratios as numbers": Case((192, 128), name="efficientdetv2_dt"),
}


def maps_of(size: tuple[int, int]) -> list[Size]:
    return [Size(-(-size[0] // stride), -(-size[1] // stride)) for stride in STRIDES]


def predictions_of(own: Config, size: tuple[int, int], images: int = 2) -> Predictions:
    """Scores that spread over 0 to 1, and boxes that differ from their anchors."""
    torch.manual_seed(0)
    per_place = own.num_anchors
    classes = [3 * torch.randn(images, per_place * own.num_classes, *maps) - 4 for maps in maps_of(size)]
    return Predictions(classes, [0.5 * torch.randn(images, per_place * 4, *maps) for maps in maps_of(size)])


def effdet_rows(
    predictions: Predictions, own: Config, size: tuple[int, int], originals: Sequence[Original] | None
) -> list[Tensor]:
    """Effdet's rows of left, top, right, bottom, score, class, without those that it fills up with."""

    class Stated(nn.Module):
        config = SimpleNamespace(
            min_level=3,
            max_level=7,
            num_levels=5,
            num_scales=own.num_scales,
            aspect_ratios=own.aspect_ratios,
            anchor_scale=own.anchor_scale,
            image_size=size,
            num_classes=own.num_classes,
            max_detection_points=own.max_candidates,
            max_det_per_image=own.max_detections,
            soft_nms=own.soft_nms,
        )

        def forward(self, _: Tensor) -> Predictions:
            return predictions

    images = torch.zeros(len(predictions.classes[0]), 3, *size)
    if originals is None:
        return [rows[rows[:, 4] > 0] for rows in DetBenchPredict(Stated())(images)]
    sizes = torch.tensor([[entry.size.width, entry.size.height] for entry in originals], dtype=torch.float32)
    scales = torch.tensor([entry.scale for entry in originals])
    found = DetBenchPredict(Stated())(images, {"img_scale": scales, "img_size": sizes})
    return [rows[rows[:, 4] > 0] for rows in found]


@pytest.mark.slow
@pytest.mark.parametrize("originals", [None, ORIGINALS], ids=["whole", "letterboxed"])
@pytest.mark.parametrize("soft_nms", [False, True], ids=["hard", "soft"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_detections_are_effdets(case: Case, soft_nms: bool, originals: list[Original] | None) -> None:
    most = min(case.max_candidates, 600) if soft_nms else case.max_candidates  # effdet's soft-NMS takes its time
    own = config(case.name, num_classes=case.num_classes, max_candidates=most, soft_nms=soft_nms, image_size=(9, 9))
    predictions = predictions_of(own, case.size)
    rows = effdet_rows(predictions, own, case.size, originals)

    found = detections(predictions, own, Size(*case.size), originals)

    assert min(len(wanted) for wanted in rows) >= 50
    for wanted, image in zip(rows, found, strict=True):
        assert image.labels.tolist() == (wanted[:, 5].long() - 1).tolist()
        # Effdet moves the boxes of a class by a multiple of a large number for soft-NMS, which rounds them.
        torch.testing.assert_close(image.scores, wanted[:, 4], rtol=1e-4 if soft_nms else 0, atol=0)
        torch.testing.assert_close(image.boxes, wanted[:, :4], rtol=1e-6, atol=1e-3)


def test_as_many_boxes_are_kept_as_the_configuration_says() -> None:
    own = config("efficientdet_d0", max_detections=7)

    for image in detections(predictions_of(own, (128, 128)), own, Size(128, 128)):
        assert (image.boxes.shape, image.scores.shape, image.labels.shape) == ((7, 4), (7,), (7,))
        assert image.scores.diff().le(0).all()


def test_an_image_with_fewer_anchors_than_candidates_has_detections() -> None:
    own = config("efficientdet_d0", num_classes=1)

    (image,) = detections(predictions_of(own, (16, 16), images=1), own, Size(16, 16))

    assert 0 < len(image.scores) <= 9 * sum(height * width for height, width in maps_of((16, 16)))


def test_a_batch_of_no_images_has_no_detections() -> None:
    own = config("efficientdet_d0")

    assert detections(predictions_of(own, (64, 64), images=0), own, Size(64, 64)) == []


def stated(own: Config, *entries: tuple[int, int, int, float, tuple[float, float, float, float]]) -> Predictions:
    """Maps of one level, 32x32, where each entry says row, column, class, logit and offsets of the first anchor."""
    classes = torch.full((1, own.num_anchors * own.num_classes, 32, 32), -20.0)
    boxes = torch.zeros(1, own.num_anchors * 4, 32, 32)
    for row, column, label, logit, offsets in entries:
        classes[0, label, row, column] = logit
        boxes[0, :4, row, column] = torch.tensor(offsets)
    return Predictions([classes], [boxes])


def test_offsets_are_of_y_and_x_and_of_the_logarithms_of_height_and_width() -> None:
    own = config("efficientdet_d0", num_classes=1, max_candidates=1)
    predictions = stated(own, (1, 2, 0, 4.0, (0.5, -0.25, math.log(2), math.log(0.5))))

    (image,) = detections(predictions, own, Size(256, 256))

    # The anchor has its centre at x = 20, y = 12, and sides of 32.
    assert image.boxes.tolist() == [pytest.approx([12 - 8, 28 - 32, 12 + 8, 28 + 32], abs=1e-4)]


@pytest.mark.parametrize("soft_nms", [False, True], ids=["hard", "soft"])
def test_boxes_of_different_classes_never_meet(soft_nms: bool) -> None:
    own = config("efficientdet_d0", num_classes=2, max_candidates=2, soft_nms=soft_nms)
    # Effdet and torchvision lay the class 1 beyond the largest coordinate, here 268: the second box, which begins
    # 31 above and left of 0, comes to lie on the first.
    predictions = stated(own, (31, 31, 0, 4.0, (0, 0, 0, 0)), (0, 0, 1, 3.0, (-19 / 32, -19 / 32, 0, 0)))

    (image,) = detections(predictions, own, Size(256, 256))

    assert image.labels.tolist() == [0, 1]
    assert image.scores.tolist() == pytest.approx(torch.tensor([4.0, 3.0]).sigmoid().tolist())


def test_soft_suppression_lowers_the_score_of_an_overlapping_box_of_the_class() -> None:
    own = config("efficientdet_d0", num_classes=1, max_candidates=2, soft_nms=True)
    # The second box, 32 wide at 8 to the right, overlaps the first by 24 of 40.
    predictions = stated(own, (4, 4, 0, 4.0, (0, 0, 0, 0)), (4, 5, 0, 3.0, (0, 0, 0, 0)))

    (image,) = detections(predictions, own, Size(256, 256))

    lowered = torch.tensor(3.0).sigmoid().item() * math.exp(-((24 / 40) ** 2) / 0.5)
    assert image.scores.tolist() == pytest.approx([torch.tensor(4.0).sigmoid().item(), lowered])


def test_boxes_without_area_do_not_lower_each_others_scores() -> None:
    own = config("efficientdet_d0", num_classes=1, max_candidates=2, soft_nms=True)
    predictions = stated(own, (20, 20, 0, 4.0, (0, 0, 0, 0)), (24, 24, 0, 3.0, (0, 0, 0, 0)))

    (image,) = detections(predictions, own, Size(256, 256), [Original(Size(16, 16), 1.0)])

    assert image.boxes.tolist() == [[16.0] * 4] * 2
    assert image.scores.tolist() == pytest.approx(torch.tensor([4.0, 3.0]).sigmoid().tolist())


def test_scores_of_half_precision_logits_are_those_of_single_precision() -> None:
    own = config("efficientdet_d0", num_classes=1, max_candidates=2)
    predictions = stated(own, (4, 4, 0, 7.0, (0, 0, 0, 0)), (20, 20, 0, 6.5, (0, 0, 0, 0)))
    halved = Predictions(*([x.bfloat16() for x in maps] for maps in predictions))

    (image,) = detections(halved, own, Size(256, 256))

    assert image.scores.tolist() == pytest.approx(torch.tensor([7.0, 6.5]).sigmoid().tolist(), rel=1e-6)


def test_detections_are_values() -> None:
    found = Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64))

    with pytest.raises(AttributeError, match="cannot assign to field 'boxes'"):
        found.boxes = torch.zeros(1, 4)  # type: ignore[misc]
