"""What is lost in 8 bits is counted right."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from fpngraph.detection import Detections, Normalization, Suppression
from fpngraph.exporting.description import Description
from fpngraph.exporting.int8 import Loss, loss, quantised
from fpngraph.exporting.program import ExportError
from fpngraph.exporting.sizes import Sizes
from fpngraph.feature import Size


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


@pytest.mark.exports
def test_what_cannot_be_quantised_is_a_message() -> None:
    side = Size(64, 64)
    description = Description(
        image_size=side,
        sizes=Sizes(fixed=side),
        normalization=Normalization(),
        categories=(),
        score=0.0,
        suppression=Suppression(),
    )

    with pytest.raises(ExportError, match=r"^ONNX Runtime cannot write it in int8: "):
        quantised(b"no model", description, [Image.new("RGB", (64, 64))])


def test_an_image_without_any_detection_has_lost_all() -> None:
    assert loss([found((0, 0.9, 1))], [found()], score=0.3) == Loss(1, 0, 0.0, 0.0)
