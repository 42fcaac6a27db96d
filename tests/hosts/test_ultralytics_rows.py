"""Ultralytics: what a row may say, and what is refused with the row's number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from fpngraph.adapters import HostError
from tests.hosts.ultralytics_models import BIFPN, image, layer_of, maps_of, said, with_our_row, written
from tests.oracles.reference import randomised

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def host() -> Iterator[Any]:
    with with_our_row() as host:
        yield host


def built(host: Any, head: str, **more: Any) -> Any:
    return host.tasks.DetectionModel(said(head, **more), verbose=False)


def test_rows_after_a_neck_keep_their_numbers(host: Any) -> None:
    head = """
    - [[3, 4, 5], 1, FPNGraph, [bifpn, {channels: 16}]]
    - [P3, 1, Conv, [8, 3, 2]]
    - [-1, 1, Conv, [16, 1, 1]]
    - [[P4, 7], 1, Concat, [1]]
    - [-1, 1, Conv, [24, 1, 1]]
    - [[10, 8, -2, P4], 1, Detect, [nc]]
    """

    model = built(host, head)

    assert [layer.f for layer in model.model[6:]] == [[3, 4, 5], 6, 6, 7, -1, [8, 9], -1, [-1, 10, 11, 8]]
    assert model.stride.tolist() == [16] * 4
    assert [part[0].conv.in_channels for part in model.model[-1].cv2] == [24, 16, 24, 16]


def test_a_neck_may_follow_a_neck(host: Any) -> None:
    head = """
    - [[3, 4, 5], 1, FPNGraph, [bifpn, {channels: 16}]]
    - [[P3, P4, P5], 1, FPNGraph, [panet, {channels: 24, min: 3, max: 5}]]
    - [[P3, P4, P5, P7], 1, Detect, [nc]]
    """

    model = built(host, head)

    first, second = (layer.plugged for layer in model.model if type(layer).__name__ == "FPNGraph")
    assert (first.names, second.names) == (("P3", "P4", "P5", "P7"), ("P3", "P4", "P5"))
    assert [part[0].conv.in_channels for part in model.model[-1].cv2] == [24, 24, 24, 16]


ONE_MAP = """
fpngraph: 1
name: one map
params: {channels: 8}
inputs: {C4: 4, C5: 5}
defaults: {channels: $channels, op: [conv, norm, act]}
nodes:
  P4: {inputs: [C4, C5]}
outputs: [P4]
"""


def test_a_neck_of_one_output_may_be_read_by_its_number(host: Any) -> None:
    graph = yaml.safe_load(ONE_MAP)
    head = yaml.safe_load("[[[4, 5], 1, FPNGraph, []], [-1, 1, Conv, [16]], [[6, 7], 1, Detect, [nc]]]")
    head[0][3] = [graph, {"channels": 12}]

    model = built(host, yaml.safe_dump(head))

    assert [layer.f for layer in model.model[6:]] == [[4, 5], 6, 7, [7, -1]]
    assert layer_of(model).plugged.out_channels == (12,)


def test_a_graph_lies_beside_the_model_file(host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "my graph.yaml").write_text(ONE_MAP, encoding="utf-8")
    path = written(tmp_path / "models", "[[[4, 5], 1, FPNGraph, [my graph.yaml]], [[P4], 1, Detect, [nc]]]")
    monkeypatch.chdir(tmp_path)

    model = host.YOLO(path.relative_to(tmp_path)).model

    assert layer_of(model).plugged.neck.source_graph.name == "one map"


def test_a_preset_and_images_of_other_channels(host: Any) -> None:
    model = host.tasks.DetectionModel(said(BIFPN.replace("{channels: 16, repeats: 2}", "{}, d0")), ch=1, verbose=False)

    assert layer_of(model).plugged.out_channels == (64,) * 5
    assert [x.shape[1] for x in maps_of(model, image()[:, :1])] == [64] * 5


def test_a_backbone_of_torchvision(host: Any) -> None:
    backbone = """
    - [-1, 1, TorchVision, [512, resnet18, null, True, 2, True]]
    - [0, 1, Index, [128, 6]]
    - [0, 1, Index, [256, 7]]
    - [0, 1, Index, [512, 8]]
    """

    model = built(host, "[[[1, 2, 3], 1, FPNGraph, [bifpn]], [[P3, P7], 1, Detect, [nc]]]", backbone=backbone)

    assert list(layer_of(model).plugged.neck.in_channels.values()) == [128, 256, 512]
    assert model.stride.tolist() == [8, 128]


def test_sizes_that_no_stride_divides(host: Any) -> None:
    model = built(host, BIFPN)

    assert [tuple(x.shape[2:]) for x in maps_of(model, image(99, 133))] == [(13, 17), (7, 9), (4, 5), (2, 3), (1, 2)]


def test_the_inference_form_predicts_the_same(host: Any, tmp_path: Path) -> None:
    model = host.YOLO(written(tmp_path, BIFPN))
    expected = maps_of(randomised(model.model), image())
    layer = layer_of(model.model)

    layer.plugged = layer.plugged.fuse()
    (found,) = model.predict(np.zeros((100, 75, 3), np.uint8), conf=0.0, max_det=3, imgsz=128, verbose=False)

    for y, other in zip(maps_of(model.model, image()), expected, strict=True):
        torch.testing.assert_close(y, other, rtol=1e-4, atol=1e-5)
    assert len(found.boxes) == 3


HEADS = {
    "v8/yolov8.yaml": ("DetectionModel", "[4, 6, 9]", "Detect, [nc]"),
    "11/yolo11.yaml": ("DetectionModel", "[4, 6, 10]", "Detect, [nc]"),
    "26/yolo26.yaml": ("DetectionModel", "[4, 6, 10]", "Detect, [nc]"),
    "26/yolo26-seg.yaml": ("SegmentationModel", "[4, 6, 10]", "Segment26, [nc, 32, 64]"),
    "26/yolo26-pose.yaml": ("PoseModel", "[4, 6, 10]", "Pose26, [nc, [17, 3]]"),
    "26/yolo26-obb.yaml": ("OBBModel", "[4, 6, 10]", "OBB26, [nc, 1]"),
    "rt-detr/rtdetr-l.yaml": ("RTDETRDetectionModel", "[3, 7, 9]", "RTDETRDecoder, [nc]"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "kind", "reads", "head"), [(name, *row) for name, row in HEADS.items()], ids=list(HEADS)
)
def test_every_kind_of_head(host: Any, file: str, kind: str, reads: str, head: str) -> None:
    path = host.file.parent / "cfg/models" / file
    text = yaml.safe_load(path.read_text(encoding="utf-8"))
    text["head"] = yaml.safe_load(f"[[{reads}, 1, FPNGraph, [bifpn, {{channels: 32}}]], [[P3, P4, P5], 1, {head}]]")

    model = getattr(host.tasks, kind)(text | {"scale": next(iter(text["scales"]))}, verbose=False)

    assert [tuple(x.shape[1:]) for x in maps_of(model, image())] == [(32, 16, 16), (32, 8, 8), (32, 4, 4)]


NECK = "[[3, 4, 5], 1, FPNGraph, [bifpn]]"
READS = "[[P3], 1, Detect, [nc]]"
MISTAKES = {
    "unknown graph": (
        f"[[[3, 4, 5], 1, FPNGraph, [bifpm]], {READS}]",
        "row 6 (FPNGraph): there is no graph named 'bifpm' [unknown-graph]\n"
        "  hint: did you mean 'bifpn'? (a path has a separator or an ending)",
    ),
    "unknown parameter": (
        f"[[[3, 4, 5], 1, FPNGraph, [fpn, {{chanels: 16}}]], {READS}]",
        "row 6 (FPNGraph): there is no parameter 'chanels' [unknown-param]\n  hint: did you mean 'channels'?",
    ),
    "no file": (
        f"[[[3, 4, 5], 1, FPNGraph, [my graph.yaml]], {READS}]",
        "row 6 (FPNGraph): cannot read 'my graph.yaml': No such file or directory [unreadable-file]",
    ),
    "arguments": (
        f"[[[3, 4, 5], 1, FPNGraph, [bifpn, 16]], {READS}]",
        "row 6 (FPNGraph): the arguments are ['bifpn', 16], but must be [graph, params, preset]\n"
        "  hint: a name, a path or a mapping, then a mapping, then a name; the last two may be left out",
    ),
    "repeats": (
        f"[[[3, 4, 5], 3, FPNGraph, [bifpn]], {READS}]",
        "row 6 (FPNGraph): repeats is 3, but must be 1\n  hint: 'repeats' may be a parameter of the graph",
    ),
    "three entries": (
        f"[[[3, 4, 5], FPNGraph, [bifpn]], {READS}]",
        "row 6 is [[3, 4, 5], 'FPNGraph', ['bifpn']], but must be [from, repeats, module, arguments]",
    ),
    "unknown output": (
        f"[{NECK}, [[P3, P8], 1, Detect, [nc]]]",
        "row 7 (Detect): it reads 'P8', but the necks before it give P3, P4, P5, P6, P7",
    ),
    "output of no neck": (
        f"[[[P3, 4, 5], 1, FPNGraph, [bifpn]], {READS}]",
        "row 6 (FPNGraph): it reads 'P3', but no neck is before it",
    ),
    "by number": (
        f"[{NECK}, [-1, 1, Conv, [16]], [[7], 1, Detect, [nc]]]",
        "row 7 (Conv): it reads row 6, a neck with 5 outputs\n  hint: read them by their names: P3, P4, P5, P6, P7",
    ),
    "later row": (
        f"[[[3, 4, 9], 1, FPNGraph, [bifpn]], {READS}]",
        "row 6 (FPNGraph): it reads row 9, but must read one before it",
    ),
    "unread": (
        f"[{NECK}, [[3, 4, 5], 1, Detect, [nc]]]",
        "row 6 (FPNGraph): no row reads its outputs: P3, P4, P5, P6, P7",
    ),
    "missing stride": (
        f"[[[3, 4], 1, FPNGraph, [bifpn]], {READS}]",
        "row 6 (FPNGraph): graph 'BiFPN' takes maps of the strides 8, 16, 32, but the host has 8, 16: 32 is missing "
        "[in-channels]",
    ),
    "no map": (
        f"[[5, 1, Classify, [7]], [[3, 4, 6], 1, FPNGraph, [bifpn]], {READS}]",
        "row 7 (FPNGraph): it reads what Classify gives, which is no map",
    ),
}


@pytest.mark.parametrize(("head", "message"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_named_with_its_row(host: Any, head: str, message: str) -> None:
    with pytest.raises(HostError) as caught:
        built(host, head)

    assert str(caught.value).startswith(message)


def test_a_neck_does_not_read_the_image(host: Any) -> None:
    with pytest.raises(HostError) as caught:
        built(host, f"[{READS}]", backbone="[[-1, 1, FPNGraph, [bifpn]]]")

    assert str(caught.value) == "row 0 (FPNGraph): it reads the image, but a neck reads maps of rows before it"
