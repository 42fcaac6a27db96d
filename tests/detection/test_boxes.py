"""What the heads say as boxes, where effdet's prediction bench goes wrong or leaves it open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.ops import nms

from fpngraph.detection import Detections, Original, Predictions, Suppression, boxes
from fpngraph.detection.boxes import best_of, detections, per_anchor
from fpngraph.feature import Size
from tests.detection.maps import ANCHORS, maps_of, predictions_of


def found_in(
    predictions: Predictions, side: int, suppression: Suppression, originals: Sequence[Original] | None = None
) -> list[Detections]:
    """What is in images of ``side`` by ``side`` pixels."""
    return detections(predictions, Size(side, side), anchors=ANCHORS, suppression=suppression, originals=originals)


def stated(num_classes: int, *entries: tuple[int, int, int, float, tuple[float, float, float, float]]) -> Predictions:
    """Maps of one level, 32x32, where each entry says row, column, class, logit and offsets of the first anchor."""
    classes = torch.full((1, ANCHORS.per_place * num_classes, 32, 32), -20.0)
    boxes = torch.zeros(1, ANCHORS.per_place * 4, 32, 32)
    for row, column, label, logit, offsets in entries:
        classes[0, label, row, column] = logit
        boxes[0, :4, row, column] = torch.tensor(offsets)
    return Predictions([classes], [boxes])


def test_as_many_boxes_are_kept_as_are_asked_for() -> None:
    for image in found_in(predictions_of((128, 128)), 128, Suppression(max_detections=7)):
        assert (image.boxes.shape, image.scores.shape, image.labels.shape) == ((7, 4), (7,), (7,))
        assert image.scores.diff().le(0).all()


# Rounded logits are equal in many places, of which any may be taken; the scores are the same.
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("rounded", [False, True], ids=["distinct", "ties"])
@pytest.mark.parametrize("size", [(128, 96), (16, 16)], ids=["many places", "fewer places than candidates"])
@pytest.mark.parametrize("num_classes", [90, 1])
def test_the_best_of_all_logits_are_candidates(
    size: tuple[int, int], num_classes: int, rounded: bool, dtype: torch.dtype
) -> None:
    given = per_anchor(predictions_of(size, num_classes=num_classes).classes, num_classes).to(dtype)
    logits = given.round() if rounded else given

    best = best_of(logits, 300)

    flat = logits.flatten(1)
    assert torch.equal(best.logits, flat.topk(min(300, flat.shape[1])).values)
    places = best.rows * num_classes + best.labels
    assert torch.equal(flat.gather(1, places), best.logits)
    assert all(len(set(image.tolist())) == len(image) for image in places)


def test_logits_that_are_no_numbers_come_first_among_the_candidates() -> None:
    logits = torch.zeros(1, 8, 3)
    logits[0, 5, 1] = math.nan
    logits[0, 2, 0] = math.inf

    best = best_of(logits, 2)

    assert best.logits.isnan().tolist() == [[True, False]]
    assert (best.rows.tolist(), best.labels.tolist()) == ([[5, 2]], [[1, 0]])


class _Searched(TorchDispatchMode):
    """Counts the logits that are searched for the best of them."""

    def __init__(self) -> None:
        super().__init__()
        self.entries = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.entries += args[0].numel() if func.overloadpacket is torch.ops.aten.topk else 0
        return func(*args, **(kwargs or {}))


def test_of_many_places_only_those_with_the_best_logits_are_searched_class_by_class() -> None:
    with _Searched() as searched:
        best_of(torch.randn(1, 1000, 20), 10)

    assert searched.entries == 1000 + 10 * 20


# The boxes of the second case are so close that the first hundred of them leave less than what is asked for.
@pytest.mark.parametrize(("spread", "looks"), [(400.0, 1), (20.0, 2)], ids=["apart", "crowded"])
def test_what_is_kept_is_what_each_class_keeps_by_itself(
    spread: float, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    centres, sides, labels = spread * torch.rand(900, 2) - 9.3, 8 + 24 * torch.rand(900, 2), torch.randint(0, 5, (900,))
    scores = torch.rand(900).sort(descending=True).values
    found = Detections(torch.cat([centres - sides, centres + sides], 1), scores, labels)
    calls: list[int] = []
    monkeypatch.setattr(boxes, "nms", lambda *given: calls.append(len(given[0])) or nms(*given))

    kept = boxes._suppress(found, Suppression(max_detections=30, iou=0.3))

    each = [
        rows[nms(found.boxes[rows].double(), scores[rows].double(), 0.3)]
        for rows in (labels.eq(it).nonzero()[:, 0] for it in range(5))
    ]
    expected = torch.cat(each).sort().values[:30]
    assert calls == [300, 900][:looks]
    assert torch.equal(kept.boxes, found.boxes[expected])
    assert torch.equal(kept.labels, labels[expected])


@pytest.mark.parametrize("side", [math.nan, math.inf, -math.inf, 1e30], ids=str)
def test_a_box_without_an_end_does_not_keep_others_from_being_suppressed(side: float) -> None:
    odd, good, worse = [side, 0.0, side, 5.0], [10.0, 10.0, 50.0, 50.0], [11.0, 10.0, 50.0, 50.0]
    found = Detections(torch.tensor([odd, good, worse]), torch.tensor([0.9, 0.8, 0.7]), torch.tensor([1, 1, 1]))

    kept = boxes._suppress(found, Suppression())

    assert kept.scores.tolist() == found.scores[:2].tolist()


def test_an_image_with_fewer_anchors_than_candidates_has_detections() -> None:
    (image,) = found_in(predictions_of((16, 16), num_classes=1, images=1), 16, Suppression())

    assert 0 < len(image.scores) <= 9 * sum(height * width for height, width in maps_of((16, 16)))


def test_a_batch_of_no_images_has_no_detections() -> None:
    assert found_in(predictions_of((64, 64), images=0), 64, Suppression()) == []


def test_offsets_are_of_y_and_x_and_of_the_logarithms_of_height_and_width() -> None:
    predictions = stated(1, (1, 2, 0, 4.0, (0.5, -0.25, math.log(2), math.log(0.5))))

    (image,) = found_in(predictions, 256, Suppression(max_candidates=1))

    # The anchor has its centre at x = 20, y = 12, and sides of 32.
    assert image.boxes.tolist() == [pytest.approx([12 - 8, 28 - 32, 12 + 8, 28 + 32], abs=1e-4)]


@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_boxes_of_different_classes_never_meet(soft: bool) -> None:
    # Effdet and torchvision lay the class 1 beyond the largest coordinate, here 268: the second box, which begins
    # 31 above and left of 0, comes to lie on the first.
    predictions = stated(2, (31, 31, 0, 4.0, (0, 0, 0, 0)), (0, 0, 1, 3.0, (-19 / 32, -19 / 32, 0, 0)))

    (image,) = found_in(predictions, 256, Suppression(max_candidates=2, soft=soft))

    assert image.labels.tolist() == [0, 1]
    assert image.scores.tolist() == pytest.approx(torch.tensor([4.0, 3.0]).sigmoid().tolist())


# The second box, 32 wide at 8 to the right, overlaps the first by 24 of 40.
OVERLAPPING = stated(1, (4, 4, 0, 4.0, (0, 0, 0, 0)), (4, 5, 0, 3.0, (0, 0, 0, 0)))


@pytest.mark.parametrize(("iou", "kept"), [(0.59, 1), (0.61, 2)])
def test_an_overlapping_box_of_the_class_goes_from_an_intersection_over_union_on(iou: float, kept: int) -> None:
    (image,) = found_in(OVERLAPPING, 256, Suppression(max_candidates=2, iou=iou))

    assert len(image.scores) == kept


def test_soft_suppression_lowers_the_score_of_an_overlapping_box_of_the_class() -> None:
    (image,) = found_in(OVERLAPPING, 256, Suppression(max_candidates=2, soft=True))

    lowered = torch.tensor(3.0).sigmoid().item() * math.exp(-((24 / 40) ** 2) / 0.5)
    assert image.scores.tolist() == pytest.approx([torch.tensor(4.0).sigmoid().item(), lowered])


def test_soft_suppression_drops_a_score_that_falls_to_a_thousandth() -> None:
    # Each of five equal boxes lowers those after it by exp(-2): the fourth has 0.0024 left, the fifth 0.0003.
    predictions = stated(1, *[(4, column, 0, 4.0, (0, (4 - column) / 4, 0, 0)) for column in range(2, 7)])

    (image,) = found_in(predictions, 256, Suppression(max_candidates=5, soft=True))

    first = torch.tensor(4.0).sigmoid().item()
    assert image.scores.tolist() == pytest.approx([first * math.exp(-2 * times) for times in range(4)])


def test_boxes_without_area_do_not_lower_each_others_scores() -> None:
    predictions = stated(1, (20, 20, 0, 4.0, (0, 0, 0, 0)), (24, 24, 0, 3.0, (0, 0, 0, 0)))

    (image,) = found_in(predictions, 256, Suppression(max_candidates=2, soft=True), [Original(Size(16, 16), 1.0)])

    assert image.boxes.tolist() == [[16.0] * 4] * 2
    assert image.scores.tolist() == pytest.approx(torch.tensor([4.0, 3.0]).sigmoid().tolist())


def test_scores_of_half_precision_logits_are_those_of_single_precision() -> None:
    predictions = stated(1, (4, 4, 0, 7.0, (0, 0, 0, 0)), (20, 20, 0, 6.5, (0, 0, 0, 0)))
    halved = Predictions(*([x.bfloat16() for x in maps] for maps in predictions))

    (image,) = found_in(halved, 256, Suppression(max_candidates=2))

    assert image.scores.tolist() == pytest.approx(torch.tensor([7.0, 6.5]).sigmoid().tolist(), rel=1e-6)


@pytest.mark.parametrize(
    ("classes", "boxes", "told"),
    [
        pytest.param([12], [24], "classes are 12x2x3, those of boxes 24x2x3", id="of other anchors"),
        pytest.param([18, 27], [36, 36], "classes are 18x2x3, 27x2x3, those of boxes 36x2x3, 36x2x3", id="uneven"),
        pytest.param([18, 18], [36], "classes are 18x2x3, 18x2x3, those of boxes 36x2x3", id="a level less"),
        pytest.param([0], [36], "classes are 0x2x3, those of boxes 36x2x3", id="no classes"),
        pytest.param([], [], "classes are none, those of boxes none", id="no levels"),
    ],
)
def test_maps_of_other_anchors_are_refused(classes: list[int], boxes: list[int], told: str) -> None:
    maps = Predictions(*([torch.zeros(1, channels, 2, 3) for channels in kind] for kind in (classes, boxes)))

    with pytest.raises(ValueError) as raised:
        found_in(maps, 64, Suppression())

    assert str(raised.value) == (
        f"the maps are not of 9 anchors per place: those of {told} (channels, height, width)\n"
        "  hint: at every level, classes have 9 channels each, and boxes 36 in all"
    )


def test_detections_are_values() -> None:
    found = Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64))

    with pytest.raises(AttributeError, match="cannot assign to field 'boxes'"):
        found.boxes = torch.zeros(1, 4)  # type: ignore[misc]
