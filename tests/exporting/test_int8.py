"""What is lost in 8 bits is counted right."""

from __future__ import annotations

import pytest
import torch

from fpngraph.detection import Detections
from fpngraph.exporting.int8 import Loss, loss


def found(*rows: tuple[float, float, int]) -> Detections:
    """Boxes of 10 pixels by their left side, score and label."""
    boxes = torch.tensor([[left, 0.0, left + 10, 10] for left, _, _ in rows]).reshape(-1, 4)
    scores = torch.tensor([score for _, score, _ in rows])
    return Detections(boxes, scores, torch.tensor([label for _, _, label in rows], dtype=torch.int64))


def test_a_detection_is_kept_where_one_of_its_class_overlaps_it_by_half() -> None:
    wanted = found((0, 0.9, 1), (50, 0.8, 2), (100, 0.7, 1), (150, 0.2, 1))
    others = found((1, 0.8, 1), (50, 0.8, 3), (108, 0.7, 1), (150, 0.2, 1))

    told = loss([wanted, found()], [others, wanted], score=0.3)

    assert (told.wanted, told.kept) == (3, 1)
    assert told.mean_score == pytest.approx(0.1)
    assert told.largest_score == pytest.approx(0.1)


def test_an_image_without_any_detection_has_lost_all() -> None:
    assert loss([found((0, 0.9, 1))], [found()], score=0.3) == Loss(1, 0, 0.0, 0.0)
