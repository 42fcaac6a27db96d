"""Ultralytics: a neck as a row of a model file trains, is saved, is exported, and is the same afterwards."""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor

import fpngraph
from tests.hosts import made_images
from tests.hosts.ultralytics_models import BIFPN, image, layer_of, maps_of, norms, said, settings, with_our_row, written
from tests.oracles.reference import randomised
from tests.pages import run_page

pytestmark = pytest.mark.hosts

TRAINING = {"epochs": 2, "imgsz": 128, "batch": 2, "workers": 0, "device": "cpu", "plots": False, "val": True}


@pytest.fixture(scope="module")
def host() -> Iterator[Any]:
    with with_our_row() as host:
        yield host


def assert_equal(found: Sequence[Tensor], expected: Sequence[Tensor], tolerance: float) -> None:
    for y, other in zip(found, expected, strict=True):
        assert y.shape == other.shape
        assert float((y - other).abs().max() / other.abs().max()) <= tolerance


def test_a_row_is_the_neck_of_its_graph(host: Any) -> None:
    model = host.tasks.DetectionModel(said(BIFPN), verbose=False)

    neck = model.model[6].plugged.neck
    assert model.stride.tolist() == [8, 16, 32, 64, 128]
    assert neck.in_channels == {"P3": 24, "P4": 32, "P5": 40}
    assert neck.source_graph == fpngraph.load("bifpn", channels=16, repeats=2)
    assert [layer.f for layer in model.model][6:] == [[3, 4, 5], 6, 6, 6, 6, 6, [7, 8, 9, 10, 11]]
    assert type(model.model[6].f) is list


def test_only_what_later_rows_read_is_built(host: Any) -> None:
    head = "[[[3, 4, 5], 1, FPNGraph, [bifpn, {channels: 16}]], [[P5, P3], 1, Detect, [nc]]]"

    model = host.tasks.DetectionModel(said(head), verbose=False)

    assert model.model[6].plugged.names == ("P3", "P5")
    assert model.stride.tolist() == [32, 8]


def test_losses_fall_and_every_parameter_learns(host: Any) -> None:
    torch.manual_seed(0)
    model = host.tasks.DetectionModel(said(BIFPN), verbose=False)
    model.args = host.tasks.IterableSimpleNamespace(**host.tasks.DEFAULT_CFG_DICT)
    boxes = torch.tensor([[0.5, 0.5, 0.4, 0.4]] * 2)
    batch = {"img": image().repeat(2, 1, 1, 1), "batch_idx": torch.tensor([0.0, 1.0])}
    batch |= {"cls": torch.ones(2, 1), "bboxes": boxes}
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    losses = []

    for _ in range(8):
        loss = model(batch)[0].sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))

    # the last bins of the head's distances are a constant
    assert [
        name for name, x in model.named_parameters() if x.grad is None and not name.endswith("dfl.conv.weight")
    ] == []
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Ultralytics' own loops
def test_its_own_trainer_saves_what_it_trained_and_trains_on(host: Any, tmp_path: Path) -> None:
    data = made_images.write(tmp_path / "data", labels=made_images.BOX)
    model = host.YOLO(written(tmp_path, BIFPN))

    model.train(data=data, project=str(tmp_path / "runs"), name="first", **TRAINING)
    again = host.YOLO(model.trainer.last)
    start = copy.deepcopy(again.model)
    found = again.val(data=data, imgsz=128, workers=0, plots=False, verbose=False)
    (result,) = again.predict(np.zeros((100, 75, 3), np.uint8), conf=0.0, max_det=3, imgsz=128, verbose=False)
    again.train(data=data, project=str(tmp_path / "runs"), name="second", **TRAINING | {"epochs": 1})

    neck = layer_of(start).plugged.neck
    assert norms(start) == norms(again.model) == settings(fpngraph.build(neck.source_graph, neck.in_channels))
    assert np.isfinite(list(found.results_dict.values())).all()
    assert len(result.boxes) == 3
    moved = dict(again.model.named_parameters())
    assert [n for n, x in start.named_parameters() if "plugged" in n and torch.equal(x, moved[n].cpu())] == []


@pytest.mark.slow
def test_a_process_that_says_nothing_of_us_loads_a_checkpoint_and_makes_its_model_anew(
    host: Any, tmp_path: Path
) -> None:
    path = tmp_path / "saved.pt"
    host.YOLO(written(tmp_path, BIFPN)).save(str(path))
    code = f"""
from ultralytics import YOLO
from ultralytics.nn.tasks import DetectionModel
model = YOLO({str(path)!r}).model
print(model.state_dict().keys() == DetectionModel(model.yaml, verbose=False).state_dict().keys())
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr


EVERY = [
    "[bifpn, {channels: 16}]",
    "[retinanet_fpn, {channels: 16}]",
    "[panet, {channels: 16, min: 3}]",
    "[fpn, {channels: 16, min: 3}]",
    "[yolov8, {width: {3: 16, 4: 24, 5: 32}}]",
]


@pytest.mark.parametrize("arguments", EVERY)
def test_maps_are_equal_before_saving_and_after_loading(host: Any, tmp_path: Path, arguments: str) -> None:
    head = f"[[[3, 4, 5], 1, FPNGraph, {arguments}], [[P3, P4, P5], 1, Detect, [nc]]]"
    model = host.YOLO(written(tmp_path, head))
    randomised(model.model).half().float()  # it saves halves

    model.save(str(tmp_path / "saved.pt"))
    loaded = host.YOLO(str(tmp_path / "saved.pt")).model

    assert_equal(maps_of(loaded, image()), maps_of(model.model, image()), tolerance=0)
    assert norms(loaded) == norms(model.model)
    # a loader sets it on every module that has it, and maps are read by several nodes
    assert [name for name, part in layer_of(loaded).named_modules() if hasattr(part, "inplace")] == []


def test_a_whole_model_in_its_published_layout_computes_the_same_with_our_neck(host: Any) -> None:
    file = yaml.safe_load((host.file.parent / "cfg/models/v8/yolov8.yaml").read_text(encoding="utf-8"))
    theirs = randomised(host.tasks.DetectionModel(file | {"scale": "n", "nc": 2}, verbose=False)).double().eval()
    head = yaml.safe_load("[[[4, 6, 9], 1, FPNGraph, [yolov8]], [[P3, P4, P5], 1, Detect, [nc]]]")
    ours = host.tasks.DetectionModel(file | {"scale": "n", "nc": 2, "head": head}, verbose=False)

    ours.load(theirs, verbose=False)  # makes theirs floats
    ours.double().eval()
    state = theirs.double().state_dict()
    rows = {name: x for name, x in state.items() if 10 <= int(name.split(".")[1]) < 22}
    carried = fpngraph.load_from(ours.model[10].plugged.neck, rows, "ultralytics")
    ours.model[-1].load_state_dict(theirs.model[-1].state_dict())

    backbone = {name: x for name, x in ours.state_dict().items() if int(name.split(".")[1]) < 10}
    assert all(torch.equal(x, state[name]) for name, x in backbone.items())
    assert (len(backbone), len(carried.taken), carried.unused) == (162, 108, ())
    with torch.no_grad():
        assert_equal([ours(image().double())[0]], [theirs(image().double())[0]], tolerance=1e-12)


OWN_NORMS = """{
    fpngraph: 1, name: own, inputs: {C4: 4, C5: 5}, outputs: [P4, P5], nodes: {P4: {inputs: [C4]}, P5: {inputs: [C5]}},
    defaults: {channels: 16, norm: {batch_norm: {eps: 0.5, momentum: 0.25}}, op: [conv, norm, act]}
}"""


def test_norms_keep_what_the_graph_says(host: Any, tmp_path: Path) -> None:
    head = f"[[[4, 5], 1, FPNGraph, [{OWN_NORMS}]], [[P4, P5], 1, Detect, [nc]]]"
    model = host.YOLO(written(tmp_path, head))
    expected = {(0.5, 0.25)}
    built = norms(model.model)
    before = maps_of(model.model, image())

    model.save(str(tmp_path / "saved.pt"))
    loaded = host.YOLO(str(tmp_path / "saved.pt")).model
    fused = copy.deepcopy(model.model).fuse(verbose=False)

    assert (built, norms(model.model.train()), norms(loaded), norms(fused)) == (expected,) * 4
    assert_equal(maps_of(fused, image()), before, tolerance=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Ultralytics' own loops
@pytest.mark.parametrize(("form", "dynamic"), [("onnx", False), ("onnx", True), ("torchscript", False)])
def test_an_export_computes_the_same(host: Any, tmp_path: Path, form: str, dynamic: bool) -> None:
    model = host.YOLO(written(tmp_path, BIFPN))
    randomised(model.model)
    model.save(str(tmp_path / "saved.pt"))
    model = host.YOLO(str(tmp_path / "saved.pt"))
    sizes = [(128, 128), (256, 128)] if dynamic else [(128, 128)]
    with torch.no_grad():
        expected = [copy.deepcopy(model.model).eval()(image(*size))[0] for size in sizes]

    path = model.export(format=form, imgsz=128, dynamic=dynamic, verbose=False)

    for size, y in zip(sizes, expected, strict=True):
        found = run(form, path, image(*size))
        assert y[:, 4:].std() > 0.05  # scores that tell something
        assert_equal([found[:, :4], found[:, 4:]], [y[:, :4], y[:, 4:]], tolerance=1e-4)


def run(form: str, path: str, x: Tensor) -> Tensor:
    if form == "torchscript":
        y = torch.jit.load(path)(x)
        return y[0] if isinstance(y, tuple) else y
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])


SEGMENT = """
- [[3, 4, 5], 1, FPNGraph, [panet, {channels: 16, min: 3}]]
- [[P3, P4, P5], 1, Segment, [nc, 8, 16]]
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Ultralytics' own loops
def test_a_segmenting_head_trains_and_predicts_masks(host: Any, tmp_path: Path) -> None:
    data = made_images.write(tmp_path / "data", labels=made_images.OUTLINE)
    model = host.YOLO(written(tmp_path, SEGMENT, "model-seg.yaml"))

    model.train(data=data, project=str(tmp_path / "runs"), name="seg", **TRAINING | {"epochs": 1})
    (found,) = model.predict(np.zeros((100, 75, 3), np.uint8), conf=0.0, max_det=2, imgsz=128, verbose=False)

    assert model.task == "segment"
    assert found.masks.data.shape[0] == len(found.boxes) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Ultralytics' own loops
def test_the_page_is_right(host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = made_images.write(tmp_path / "data", labels=made_images.BOX)
    shutil.copy(data, tmp_path)
    shutil.copy(tmp_path / "data/images/0.png", tmp_path / "image.png")
    monkeypatch.chdir(tmp_path)
    host.YOLO("yolov8n.yaml").save("yolov8n.pt")  # with random weights, as published ones are laid out

    run_page("hosts/ultralytics.md")
