from __future__ import annotations

import pytest
import torch
from effdet.anchors import Anchors, get_feat_sizes

from fpngraph.efficientdet import anchor_boxes, config
from fpngraph.feature import Size

SIZES = [(512, 512), (128, 384), (200, 333), (97, 64), (33, 500), (1, 1), (7, 3)]
SHAPES = {
    "pairs": {},
    "numbers": {"aspect_ratios": (1.0, 2.0, 0.5)},
    "both": {"aspect_ratios": (1.0, (1.4, 0.7), 3.0), "num_scales": 2},
    "one": {"aspect_ratios": (1.0,), "num_scales": 1, "anchor_scale": 1.5},
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_anchors_are_effdets(size: tuple[int, int], changes: dict[str, object]) -> None:
    own = config("efficientdet_d0", **changes)
    reference = Anchors(3, 7, own.num_scales, own.aspect_ratios, own.anchor_scale, size)

    boxes = anchor_boxes(own, Size(*size), [Size(*map_size) for map_size in get_feat_sizes(size, 7)[3:]])

    torch.testing.assert_close(boxes, reference.boxes[:, [1, 0, 3, 2]], rtol=1e-6, atol=1e-5)


def test_anchors_are_those_of_the_first_place_then_of_the_next_of_its_row() -> None:
    own = config("efficientdet_d0", aspect_ratios=((1.0, 1.0), (2.0, 0.5)), num_scales=2, anchor_scale=1.0)

    boxes = anchor_boxes(own, Size(16, 16), [Size(1, 2)])

    octave = 2**0.5
    assert boxes.tolist() == [
        pytest.approx([x - width * 4, 8 - height * 8, x + width * 4, 8 + height * 8], rel=1e-6)
        for x in (4, 12)
        for width, height in [(1, 1), (2, 0.5), (octave, octave), (2 * octave, 0.5 * octave)]
    ]


def test_anchors_first_asked_for_in_inference_can_be_trained_with() -> None:
    with torch.inference_mode():
        boxes = anchor_boxes(config("efficientdet_d0"), Size(48, 80), [Size(6, 10)])

    assert not boxes.is_inference()


def test_anchors_of_a_size_are_made_once() -> None:
    def ask(width: int) -> torch.Tensor:
        return anchor_boxes(config("efficientdet_d0"), Size(48, width), [Size(6, width // 8)])

    first, other, again = ask(80), ask(88), ask(80)

    assert again.data_ptr() == first.data_ptr()
    assert other.shape == (6 * 11 * 9, 4)
