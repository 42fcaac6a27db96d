"""Targets and losses beside effdet's, on equal predictions, and each of its faults that is not here."""

from __future__ import annotations

from typing import Any

import effdet
import pytest
import torch
from effdet.anchors import AnchorLabeler
from effdet.anchors import Anchors as EffdetAnchors
from effdet.loss import DetectionLoss as EffdetLoss
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fpngraph.detection import Anchors, Predictions, anchor_boxes
from fpngraph.feature import Size
from fpngraph.training import BACKGROUND, DetectionLoss, Targets, assign

CLASSES = 5
SIZE = Size(128, 192)
MAPS = [Size(-(-SIZE.height // 2**level), -(-SIZE.width // 2**level)) for level in range(3, 8)]
ANCHORS = Anchors(num_scales=3, aspect_ratios=((1.0, 1.0), (1.4, 0.7), (0.7, 1.4)), scale=4.0)


def config() -> Any:
    found = effdet.get_efficientdet_config("tf_efficientdet_d0")
    found.num_classes, found.image_size, found.jit_loss = CLASSES, SIZE, False
    return found


def objects(seed: int, numbers: tuple[int, ...] = (3, 1, 0, 6)) -> tuple[list[Tensor], list[Tensor]]:
    """Boxes of some area within the image, and classes, for each image."""
    generator = torch.Generator().manual_seed(seed)
    boxes, labels = [], []
    for number in numbers:
        corners = torch.rand(number, 4, generator=generator) * torch.tensor([170, 110, 80, 60])
        ends = (corners[:, :2] + 6 + corners[:, 2:]).minimum(torch.tensor([SIZE.width, SIZE.height]))
        boxes.append(torch.cat([corners[:, :2], ends], dim=1))
        labels.append(torch.randint(CLASSES, (number,), generator=generator))
    return boxes, labels


def predictions(seed: int, batch: int = 4, dtype: torch.dtype = torch.float32) -> Predictions:
    generator = torch.Generator().manual_seed(seed)
    per_place = ANCHORS.per_place

    def maps(outputs: int, scale: float) -> list[Tensor]:
        found = [torch.randn(batch, per_place * outputs, *size, generator=generator) for size in MAPS]
        return [(scale * x).to(dtype).requires_grad_() for x in found]

    return Predictions(maps(CLASSES, 3.0), maps(4, 0.3))


def effdets(boxes: list[Tensor], labels: list[Tensor]) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Its targets by level, and its number of anchors with an object in each image."""
    labeler = AnchorLabeler(EffdetAnchors.from_config(config()), CLASSES)
    found: Any = labeler.batch_label_anchors([x[:, [1, 0, 3, 2]] for x in boxes], [x + 1 for x in labels])
    return found


def ours(boxes: list[Tensor], labels: list[Tensor]) -> Targets:
    return assign(anchor_boxes(ANCHORS, SIZE, MAPS), boxes, labels)


@pytest.mark.parametrize("seed", range(20))
def test_targets_are_those_of_effdet(seed: int) -> None:
    boxes, labels = objects(seed)
    classes, offsets, number = effdets(boxes, labels)

    found = ours(boxes, labels)

    torch.testing.assert_close(found.labels, torch.cat([x.flatten(1) for x in classes], dim=1))
    expected = torch.cat([x.reshape(len(x), -1, 4) for x in offsets], dim=1)
    torch.testing.assert_close(found.offsets, expected, rtol=1e-4, atol=1e-5)
    assert (found.labels != BACKGROUND).sum() == number.sum() > len(torch.cat(boxes))


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_losses_and_their_gradients_are_those_of_effdet(seed: int, legacy: bool) -> None:
    boxes, labels = objects(seed)
    asked = config()
    asked.legacy_focal = legacy
    mine, theirs = predictions(seed), predictions(seed)

    losses = DetectionLoss()(mine, ours(boxes, labels))
    expected = EffdetLoss(asked)(*theirs, *effdets(boxes, labels))
    losses.total.backward()
    expected[0].backward()

    for found, other in zip(losses, expected, strict=True):
        torch.testing.assert_close(found, other, rtol=1e-5, atol=0)
    for x, y in zip([*mine.classes, *mine.boxes], [*theirs.classes, *theirs.boxes], strict=True):
        assert x.grad is not None
        assert y.grad is not None
        assert (x.grad - y.grad).abs().max() <= 1e-5 * y.grad.abs().max()


def test_losses_are_right_in_double_precision() -> None:
    boxes, labels = objects(0)
    targets = ours(boxes, labels)
    given = predictions(0, dtype=torch.float64)

    losses = DetectionLoss()(given, targets)

    logits = torch.cat([x.permute(0, 2, 3, 1).reshape(4, -1, CLASSES) for x in given.classes], dim=1)
    offsets = torch.cat([x.permute(0, 2, 3, 1).reshape(4, -1, 4) for x in given.boxes], dim=1)
    positive = targets.labels >= 0
    wanted = torch.zeros_like(logits)
    for image, anchor in positive.nonzero().tolist():
        wanted[image, anchor, targets.labels[image, anchor]] = 1
    p = logits.sigmoid()
    likely = wanted * p + (1 - wanted) * (1 - p)
    weight = wanted * 0.25 + (1 - wanted) * 0.75
    number = positive.sum() + 1
    error = (offsets - targets.offsets)[positive].abs()
    huber = torch.where(error < 0.1, error**2 / 2, 0.1 * (error - 0.05))
    expected = (-weight * (1 - likely) ** 1.5 * likely.log()).sum() / number
    torch.testing.assert_close(losses.classes, expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(losses.boxes, huber.sum() / number / 4, rtol=1e-6, atol=0)  # targets are single
    torch.testing.assert_close(losses.total, losses.classes + 50 * losses.boxes)


class TestFaultsOfEffdet:
    """What it does wrong, and what is done here."""

    def test_an_object_that_no_anchor_overlaps_is_none_of_the_first_anchor(self) -> None:
        outside = [torch.tensor([[500.0, 500, 520, 520]])], [torch.tensor([3])]

        assert effdets(*outside)[2].item() == 1
        assert (ours(*outside).labels == BACKGROUND).all()

    def test_an_offset_that_is_to_be_zero_is_learned_too(self) -> None:
        anchor = anchor_boxes(ANCHORS, SIZE, MAPS)[20_000 % len(anchor_boxes(ANCHORS, SIZE, MAPS))]
        at_an_anchor = [anchor[None].clone()], [torch.tensor([0])]
        maps = predictions(0, batch=1)

        losses = DetectionLoss()(maps, ours(*at_an_anchor))
        _, _, theirs = EffdetLoss(config())(*maps, *effdets(*at_an_anchor))

        assert losses.boxes > theirs  # its mask takes a target of 0 for background

    def test_the_gradient_of_its_older_loss_is_no_number_where_a_logit_is_far_below_zero(self) -> None:
        asked = config()
        asked.legacy_focal = True
        targets = objects(0)
        mine, theirs = (
            Predictions([torch.full_like(x, -120.0, requires_grad=True) for x in maps.classes], maps.boxes)
            for maps in (predictions(0), predictions(0))
        )

        EffdetLoss(asked)(*theirs, *effdets(*targets))[0].backward()
        DetectionLoss()(mine, ours(*targets)).total.backward()

        assert any(x.grad is not None and not x.grad.isfinite().all() for x in theirs.classes)
        assert all(x.grad is not None and x.grad.isfinite().all() for x in mine.classes)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 8), min_size=1, max_size=3))
def test_every_object_within_the_image_has_an_anchor_and_every_anchor_is_of_its_best_object(
    seed: int, numbers: list[int]
) -> None:
    boxes, _ = objects(seed, tuple(numbers))
    labels = [torch.arange(len(it)) for it in boxes]  # which object it is

    found = ours(boxes, labels)

    anchors = anchor_boxes(ANCHORS, SIZE, MAPS)
    for image, (of_image, own) in enumerate(zip(boxes, labels, strict=True)):
        chosen = found.labels[image]
        overlaps = _overlaps(of_image, anchors)
        best = overlaps.argmax(dim=1).tolist()
        alone = [number for number in own.tolist() if best.count(best[number]) == 1]
        assert set(alone) <= set(chosen.tolist())
        for anchor in (chosen >= 0).nonzero().flatten().tolist():
            number = int(chosen[anchor])
            assert anchor == best[number] or overlaps[number, anchor] >= max(0.5, overlaps[:, anchor].max())


def _overlaps(boxes: Tensor, anchors: Tensor) -> Tensor:
    left_top = torch.maximum(boxes[:, None, :2], anchors[None, :, :2])
    sides = (torch.minimum(boxes[:, None, 2:], anchors[None, :, 2:]) - left_top).clamp(min=0)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)[:, None] + (anchors[:, 2:] - anchors[:, :2]).prod(dim=1)
    shared = sides.prod(dim=2)
    return shared / (area - shared)


def test_a_batch_without_objects_has_a_loss_and_gradients() -> None:
    maps = predictions(0, batch=2)
    nothing = [torch.zeros(0, 4)] * 2, [torch.zeros(0, dtype=torch.int64)] * 2

    losses = DetectionLoss()(maps, ours(*nothing))
    losses.total.backward()

    assert losses.boxes == 0
    assert all(x.grad is not None and x.grad.isfinite().all() for x in [*maps.classes, *maps.boxes])


def test_half_precision_is_summed_in_single() -> None:
    boxes, labels = objects(0)
    maps = predictions(0, dtype=torch.bfloat16)

    losses = DetectionLoss()(maps, ours(boxes, labels))

    assert losses.total.dtype == torch.float32
    wide = Predictions(*([x.detach().float() for x in of] for of in maps))
    torch.testing.assert_close(losses.total, DetectionLoss()(wide, ours(boxes, labels)).total)


def test_what_does_not_go_together_is_refused() -> None:
    boxes, labels = objects(0)

    with pytest.raises(ValueError, match="there are 3, 1, 0, 6 boxes per image, but 3, 1, 0, 5 labels"):
        ours(boxes, [*labels[:3], labels[3][1:]])
    with pytest.raises(ValueError, match="the maps have 4608 anchors in 3 images, but the targets 4608 in 4"):
        DetectionLoss()(predictions(0, batch=3), ours(boxes, labels))
