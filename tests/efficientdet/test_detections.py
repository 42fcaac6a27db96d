"""What the heads say as boxes, and images as inputs: equal to effdet's prediction bench on the same maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from effdet.bench import DetBenchPredict
from effdet.data.transforms import ResizePad, resolve_fill_color
from PIL import Image
from torch import Tensor, nn

from fpngraph.detection import Original, Predictions
from fpngraph.detection.boxes import detections
from fpngraph.detection.images import letterbox
from fpngraph.efficientdet import Config, config
from fpngraph.feature import Size
from tests.detection.maps import predictions_of

ASTRONAUT = Path(__file__).parents[2] / "tools" / "astronaut.jpg"
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
    predictions = predictions_of(case.size, num_classes=case.num_classes)
    rows = effdet_rows(predictions, own, case.size, originals)

    found = detections(
        predictions, Size(*case.size), anchors=own.anchors, suppression=own.suppression, originals=originals
    )

    assert min(len(wanted) for wanted in rows) >= 50
    for wanted, image in zip(rows, found, strict=True):
        assert image.labels.tolist() == (wanted[:, 5].long() - 1).tolist()
        # Effdet moves the boxes of a class by a multiple of a large number for soft-NMS, which rounds them.
        torch.testing.assert_close(image.scores, wanted[:, 4], rtol=1e-4 if soft_nms else 0, atol=0)
        torch.testing.assert_close(image.boxes, wanted[:, :4], rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("name", ["efficientdet_d0", "tf_efficientdet_d0_ap", "tf_efficientdet_lite0"])
@pytest.mark.parametrize("size", [(128, 128), (100, 171), (160, 32)], ids=str)
@pytest.mark.parametrize("crop", [(0, 0, 512, 512), (0, 0, 301, 200), (3, 4, 99, 400)], ids=str)
def test_inputs_are_effdets(name: str, size: tuple[int, int], crop: tuple[int, int, int, int]) -> None:
    image, own = Image.open(ASTRONAUT).crop(crop), config(name)
    padded, notes = ResizePad(size, fill_color=resolve_fill_color(own.fill, own.mean))(image, {})
    mean, std = (torch.tensor([255 * value for value in values])[:, None, None] for values in (own.mean, own.std))

    inputs, original = letterbox(image, Size(*size), own.normalization)

    assert torch.equal(inputs, torch.from_numpy(np.array(padded)).permute(2, 0, 1).float().sub(mean).div(std))
    assert original.size == (image.height, image.width)
    assert original.scale == pytest.approx(notes["img_scale"], rel=1e-15)
