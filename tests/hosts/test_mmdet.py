"""A graph is the neck of mmdet's detectors: they learn and detect, and weights are what mmengine is told."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from tests.hosts.mmdets import NARROW, WIDTHS, detector, images, initialised, losses, mmdet, scenes
from tests.oracles.reference import randomised

pytestmark = pytest.mark.hosts

RETINANET = "retinanet/retinanet_r50_fpn_1x_coco.py"
BIFPN = {**NARROW, "graph": "bifpn", "params": {"channels": 32, "repeats": 1}}
ON_FIVE = {"type": "FPNGraph", "graph": "bifpn", "in_channels": [24] * 5, "strides": (8, 16, 32, 64, 128)}
DETR = "deformable_detr/deformable-detr_r50_16xb2-50e_coco.py"
NECKS: dict[str, tuple[str, Any]] = {
    "RetinaNet": (RETINANET, BIFPN),
    "RetinaNet, lean": (RETINANET, {**BIFPN, "lean": True}),
    "ATSS": ("atss/atss_r50_fpn_1x_coco.py", {**NARROW, "graph": "retinanet_fpn", "params": {"channels": 32}}),
    "FCOS": (
        "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py",
        {**NARROW, "graph": "panet", "params": {"channels": 32, "min": 3, "max": 7}},
    ),
    "Faster R-CNN": (
        "faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py",
        {**NARROW, "graph": "fpn", "params": {"channels": 32}},
    ),
    "Deformable DETR": (DETR, {**NARROW, "graph": "fpn", "params": {"channels": 256, "max": 5}}),
    "after another neck": (
        RETINANET,
        [
            {"type": "FPN", "in_channels": list(WIDTHS), "out_channels": 24, "start_level": 1, "num_outs": 5}
            | {"add_extra_convs": "on_input"},
            {**ON_FIVE, "params": {"channels": 32, "repeats": 1, "backbone_max": 7}},
        ],
    ),
}
NORMED = {
    "fpngraph": 1,
    "name": "normed",
    "inputs": "C(3..5)",
    "defaults": {"channels": 32, "op": ["conv", "norm"], "init": "effdet", "fusion": "fast_normalized"},
    "nodes": {"P(3..5)": {"inputs": ["C(l)", "P(l+1) | none"]}},
    "outputs": "P(3..5)",
}


@pytest.fixture(autouse=True)
def host() -> Iterator[None]:
    with mmdet():
        yield


def built(**neck: Any) -> Any:
    from mmengine.registry import MODELS

    return MODELS.build({**NARROW, **neck})


def weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def assert_same(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


@pytest.mark.parametrize(("file", "neck"), NECKS.values(), ids=NECKS)
def test_a_detector_learns_and_detects(file: str, neck: Any) -> None:
    from fpngraph.adapters.mmdet import check

    model = detector(file, neck).train()
    check(model)

    found = losses(model, 3 if file == DETR else 12)  # that one is slow
    with torch.no_grad():
        results = model.eval()(**model.data_preprocessor(scenes(), False), mode="predict")

    assert found[-1] < found[0]
    assert [name for name, parameter in model.neck.named_parameters() if parameter.grad is None] == []
    for result in results:
        assert result.pred_instances.bboxes.shape == (len(result.pred_instances.scores), 4)


def test_weights_that_are_saved_and_loaded_give_the_same_maps(tmp_path: Path) -> None:
    from mmengine.runner import load_checkpoint, save_checkpoint

    one, other = detector(RETINANET, BIFPN).eval(), detector(RETINANET, BIFPN).eval()
    randomised(one)
    save_checkpoint({"state_dict": one.state_dict()}, str(tmp_path / "one.pth"))
    load_checkpoint(other, str(tmp_path / "one.pth"), strict=True)

    for image in images((96, 64), (97, 131)):
        for ours, theirs in zip(one.extract_feat(image), other.extract_feat(image), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_the_weights_of_a_published_neck_give_its_maps_and_its_scores() -> None:
    said = {"in_channels": list(WIDTHS), "out_channels": 32, "start_level": 1, "num_outs": 5}
    said["add_extra_convs"] = "on_input"
    theirs = randomised(detector(RETINANET, {"type": "FPN", **said})).double().eval()
    plain = {"channels": 32, "extra": [{"strided_conv": {"kernel": 3}}]}  # theirs has no activation in front
    ours: Any = detector(RETINANET, {**NARROW, "graph": "retinanet_fpn", "params": plain}).double().eval()

    state = theirs.state_dict()
    ours.load_state_dict({name: tensor for name, tensor in state.items() if "neck." not in name}, strict=False)
    fpngraph.load_from(ours.neck.plugged.neck, state, "mmdet.FPN", prefix="neck.", config=said)

    for image in images((128, 96), (97, 131), dtype=torch.float64):
        for a, b in zip(ours._forward(image), theirs._forward(image), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_init_weights_leaves_what_the_graph_says() -> None:
    neck = built(graph=NORMED)
    before = weights(neck)

    initialised(neck)

    assert_same(weights(neck), before)


def test_a_neck_that_had_no_memory_gets_the_weights_of_the_graph() -> None:
    with torch.device("meta"):
        neck = built(graph=NORMED)
    neck.to_empty(device="cpu")
    for tensor in neck.state_dict().values():
        tensor.fill_(7)

    torch.manual_seed(0)
    initialised(neck)

    torch.manual_seed(0)
    assert_same(weights(neck.plugged.neck), weights(fpngraph.build(fpngraph.loads(NORMED), WIDTHS[1:])))

    trained = weights(randomised(neck))
    initialised(neck)

    assert_same(weights(neck), trained)


def test_init_cfg_initialises_what_it_names() -> None:
    neck = built(graph=NORMED, init_cfg={"type": "Constant", "layer": "BatchNorm2d", "val": 0.5})
    before = weights(neck)

    initialised(neck)

    changed = {name.split(".", 2)[2] for name, x in weights(neck).items() if not torch.equal(x, before[name])}
    assert changed == {"P3.op.norm.weight", "P4.op.norm.weight", "P5.op.norm.weight"}


def test_init_cfg_loads_the_neck_of_a_trained_detector(tmp_path: Path) -> None:
    trained = randomised(detector(RETINANET, BIFPN))
    torch.save({"state_dict": trained.state_dict()}, tmp_path / "trained.pth")

    pretrained = {"type": "Pretrained", "checkpoint": str(tmp_path / "trained.pth"), "prefix": "neck."}
    model = detector(RETINANET, {**BIFPN, "init_cfg": pretrained})

    assert_same(weights(model.neck), weights(trained.get_submodule("neck")))


def test_norms_keep_their_statistics_with_norm_eval() -> None:
    neck, free = built(graph=NORMED, norm_eval=True).train(), built(graph=NORMED).train()
    before = {name: x.clone() for name, x in neck.named_buffers()}
    free.load_state_dict(neck.state_dict())

    maps = [torch.randn(1, width, 32 >> i, 32 >> i) for i, width in enumerate(WIDTHS)]
    for it in (neck, free):
        it(maps)[0].sum().backward()

    assert neck.plugged.neck.training
    assert_same(dict(neck.named_buffers()), before)
    assert not torch.equal(free.plugged.neck.P3.op.norm.running_mean, neck.plugged.neck.P3.op.norm.running_mean)
    assert neck.plugged.neck.P3.op.norm.weight.grad is not None


def test_synchronised_norms_are_reverted_to_the_same_maps() -> None:
    from mmengine.model import revert_sync_batchnorm

    neck = randomised(built(graph=NORMED)).eval()
    maps = [torch.randn(1, width, 32 >> i, 32 >> i) for i, width in enumerate(WIDTHS)]

    back = revert_sync_batchnorm(nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(neck)))

    for ours, theirs in zip(neck(maps), back(maps), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_the_inference_form_takes_the_place_of_the_trained_one() -> None:
    from mmcv.cnn.utils import fuse_conv_bn

    model: Any = randomised(detector(RETINANET, BIFPN)).double().eval()
    image = images((97, 131), dtype=torch.float64)[0]
    before = model.extract_feat(image)

    model.neck.plugged = model.neck.plugged.fuse()

    for ours, theirs in zip(fuse_conv_bn(model).extract_feat(image), before, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
