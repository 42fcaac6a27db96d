"""The necks of other libraries are what is said of them, and the same seed gives the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from tests.oracles.reference import maps, randomised
from tests.oracles.references import ultralytics
from tests.oracles.references.every import NECKS

P3_TO_5, P3_TO_7, P2_TO_6, P5_TO_3 = (3, 4, 5), (3, 4, 5, 6, 7), (2, 3, 4, 5, 6), (5, 4, 3)
RESNET, RESNET_FROM_C2, RESNET_18 = (512, 1024, 2048), (256, 512, 1024, 2048), (64, 128, 256, 512)
NARROW, WIDE, LAST = (64, 128, 256), (128, 256, 512), (128, 128, 256)


class Facts(NamedTuple):
    name: str
    in_channels: Sequence[int]
    first: int  # level of the finest map that comes in
    out_channels: Sequence[int]
    levels: tuple[int, ...]
    entries: int  # of its state dict


FACTS = (
    Facts("yolov3", (256, 512, 1024), 3, (256, 512, 1024), P3_TO_5, 120),
    Facts("yolov5n", NARROW, 3, NARROW, P3_TO_5, 144),
    Facts("yolov5n-p6", (64, 128, 192, 256), 3, (64, 128, 192, 256), (3, 4, 5, 6), 216),
    Facts("yolov6n", NARROW, 3, (32, 64, 128), P3_TO_5, 124),
    Facts("yolov8n", NARROW, 3, NARROW, P3_TO_5, 108),
    Facts("yolov8s", WIDE, 3, WIDE, P3_TO_5, 108),
    Facts("yolov8n-p2", (32, 64, 128, 256), 2, (32, 64, 128, 256), (2, 3, 4, 5), 162),
    Facts("yolov9t", (64, 96, 128), 3, (64, 96, 128), P3_TO_5, 684),
    Facts("yolov9c", (512, 512, 512), 3, (256, 512, 512), P3_TO_5, 408),
    Facts("yolov10n", NARROW, 3, NARROW, P3_TO_5, 138),
    Facts("yolo11n", LAST, 3, NARROW, P3_TO_5, 138),
    Facts("yolo12n", LAST, 3, NARROW, P3_TO_5, 228),
    Facts("yolo26n", LAST, 3, NARROW, P3_TO_5, 228),
    Facts("rtdetr-resnet50", RESNET, 3, (256,) * 3, P3_TO_5, 246),
    Facts("fpn", RESNET, 3, (256,) * 5, P3_TO_7, 12),
    Facts("fpn-on_input", RESNET, 3, (256,) * 5, P3_TO_7, 16),
    Facts("fpn-on_lateral", RESNET, 3, (256,) * 5, P3_TO_7, 16),
    Facts("fpn-on_output", RESNET, 3, (256,) * 5, P3_TO_7, 16),
    Facts("pafpn", RESNET_FROM_C2, 2, (256,) * 5, P2_TO_6, 28),
    Facts("nas_fpn", RESNET, 3, (256,) * 5, P3_TO_7, 373),
    Facts("fpg", RESNET, 3, (256,) * 5, P3_TO_7, 776),
    Facts("hrfpn", (18, 36, 72, 144), 2, (256,) * 5, P2_TO_6, 12),
    Facts("yolov3-mmdet", (256, 512, 1024), 3, (512, 256, 128), P5_TO_3, 102),
    Facts("yolox-nano", NARROW, 3, (64,) * 3, P3_TO_5, 198),
    Facts("yolox-s", WIDE, 3, (128,) * 3, P3_TO_5, 162),
    Facts("rtmdet-s", WIDE, 3, (128,) * 3, P3_TO_5, 186),
    Facts("rt_detr-r18", WIDE, 3, (256,) * 3, P3_TO_5, 274),
    Facts("rt_detr-r50", RESNET, 3, (256,) * 3, P3_TO_5, 250),
    Facts("rt_detr-r101", RESNET, 3, (384,) * 3, P3_TO_5, 250),
    Facts("rt_detr_v2-r50", RESNET, 3, (256,) * 3, P3_TO_5, 250),
    Facts("d_fine", RESNET, 3, (256,) * 3, P3_TO_5, 550),
    Facts("maskformer", RESNET_FROM_C2, 2, (128,), (2,), 23),
    Facts("smp-fpn", RESNET_18, 2, (128,), (2,), 29),
    Facts("smp-linknet", (64, *RESNET_18), 1, (32,), (0,), 95),
    Facts("smp-unet", (64, *RESNET_18), 1, (16,), (0,), 60),
    Facts("smp-unetplusplus", (64, *RESNET_18), 1, (16,), (0,), 132),
    Facts("smp-upernet", RESNET_18, 2, (256,), (2,), 80),
    Facts("damo_yolo-t", (96, 192, 384), 3, NARROW, P3_TO_5, 390),
    Facts("damo_yolo-s", WIDE, 3, WIDE, P3_TO_5, 390),
    Facts("pp_yoloe-s", WIDE, 3, (384, 192, 96), P5_TO_3, 210),
)


@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: facts.name)
def test_a_reference_is_what_is_said_of_it_and_always_the_same(facts: Facts) -> None:
    height, width = 128, 256
    one, same = NECKS[facts.name](), NECKS[facts.name]()
    given = maps(one, height, width, dtype=torch.float32)
    before = [x.clone() for x in given]

    with torch.no_grad():
        outputs, again = (randomised(reference.neck).eval()(given) for reference in (one, same))
        trained, trained_again = (reference.neck.train()(given) for reference in (one, same))

    assert one.in_channels == dict(enumerate(facts.in_channels, facts.first))
    assert one.levels == facts.levels
    assert len(one.neck.state_dict()) == facts.entries
    assert [tuple(y.shape) for y in outputs] == [
        (2, channels, height >> level, width >> level)
        for channels, level in zip(facts.out_channels, facts.levels, strict=True)
    ]
    assert all(y.std() > 0.01 for y in outputs)
    assert equal(outputs, again)
    assert equal(trained, trained_again), "it draws random numbers in training mode"
    assert equal(given, before), "it writes to the maps that it is given"


def equal(maps: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return all(torch.equal(x, other) for x, other in zip(maps, others, strict=True))


@pytest.mark.parametrize(
    ("file", "scale"),
    [
        ("v5/yolov5-p6.yaml", "n"),
        ("v8/yolov8.yaml", "n"),
        ("v9/yolov9t.yaml", None),
        ("v10/yolov10n.yaml", "n"),
        ("12/yolo12.yaml", "n"),
        ("rt-detr/rtdetr-resnet50.yaml", None),
    ],
    ids=lambda value: Path(value).stem if value and "/" in value else "",
)
def test_rows_that_are_replayed_give_what_they_give_in_their_model(file: str, scale: str | None) -> None:
    text = ultralytics.read(file, scale)
    model = randomised(ultralytics.model_of(text))
    neck = ultralytics.cut(model, text).neck
    assert isinstance(neck, ultralytics.Rows)
    image = torch.rand(1, 3, 128, 192, generator=torch.Generator().manual_seed(0))
    expected = ultralytics.maps_of(model, {*neck.inputs, *neck.outputs}, image)

    with torch.no_grad():
        outputs = neck.eval()([expected[number] for number in neck.inputs])

    for number, y in zip(neck.outputs, outputs, strict=True):
        assert torch.equal(y, expected[number]), f"row {number}"
