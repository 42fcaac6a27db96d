from __future__ import annotations

import pytest
import torch
from effdet.anchors import Anchors as EffdetAnchors
from effdet.anchors import get_feat_sizes
from pydantic import ValidationError

from fpngraph.detection import Anchors, anchor_boxes
from fpngraph.feature import Size

SIZES = [(512, 512), (128, 384), (200, 333), (97, 64), (33, 500), (1, 1), (7, 3)]
PAIRS = Anchors(num_scales=3, aspect_ratios=((1.0, 1.0), (1.4, 0.7), (0.7, 1.4)), scale=4.0)
SHAPES = {
    "pairs": PAIRS,
    "numbers": Anchors(num_scales=3, aspect_ratios=(1.0, 2.0, 0.5), scale=4.0),
    "both": Anchors(num_scales=2, aspect_ratios=(1.0, (1.4, 0.7), 3.0), scale=4.0),
    "one": Anchors(num_scales=1, aspect_ratios=(1.0,), scale=1.5),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("own", SHAPES.values(), ids=SHAPES)
def test_anchors_are_effdets(size: tuple[int, int], own: Anchors) -> None:
    reference = EffdetAnchors(3, 7, own.num_scales, own.aspect_ratios, own.scale, size)

    boxes = anchor_boxes(own, Size(*size), [Size(*map_size) for map_size in get_feat_sizes(size, 7)[3:]])

    torch.testing.assert_close(boxes, reference.boxes[:, [1, 0, 3, 2]], rtol=1e-6, atol=1e-5)


def test_anchors_are_those_of_the_first_place_then_of_the_next_of_its_row() -> None:
    own = Anchors(num_scales=2, aspect_ratios=((1.0, 1.0), (2.0, 0.5)), scale=1.0)

    boxes = anchor_boxes(own, Size(16, 16), [Size(1, 2)])

    octave = 2**0.5
    assert boxes.tolist() == [
        pytest.approx([x - width * 4, 8 - height * 8, x + width * 4, 8 + height * 8], rel=1e-6)
        for x in (4, 12)
        for width, height in [(1, 1), (2, 0.5), (octave, octave), (2 * octave, 0.5 * octave)]
    ]


def test_anchors_first_asked_for_in_inference_can_be_trained_with() -> None:
    with torch.inference_mode():
        boxes = anchor_boxes(PAIRS, Size(48, 80), [Size(6, 10)])

    assert not boxes.is_inference()


def test_anchors_of_a_size_are_made_once() -> None:
    def ask(width: int) -> torch.Tensor:
        return anchor_boxes(PAIRS, Size(48, width), [Size(6, width // 8)])

    first, other, again = ask(80), ask(88), ask(80)

    assert again.data_ptr() == first.data_ptr()
    assert other.shape == (6 * 11 * 9, 4)


def test_anchors_are_counted_per_place() -> None:
    assert {name: anchors.per_place for name, anchors in SHAPES.items()} == {
        "pairs": 9,
        "numbers": 9,
        "both": 6,
        "one": 1,
    }


@pytest.mark.parametrize(
    "wrong", [{"num_scales": 0}, {"aspect_ratios": ()}, {"aspect_ratios": (-1.0,)}, {"scale": 0.0}], ids=str
)
def test_anchors_without_area_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Anchors.model_validate(PAIRS.model_dump() | wrong)
