"""A neck in the configurations of mmengine: inline or in a file, inherited, overridden, dumped, run, loaded again."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import fpngraph
from tests.hosts.mmdets import HINT, NARROW, configuration, images, initialised, losses, mmdet, scenes, trained
from tests.oracles.reference import library

pytestmark = pytest.mark.hosts

RETINANET = "retinanet/retinanet_r50_fpn_1x_coco.py"
INLINE = """
custom_imports = dict(imports=["fpngraph.adapters.mmdet"])
graph = dict(
    fpngraph=1,
    name="mine",
    params=dict(width=16),
    inputs="C(3..5)",
    defaults=dict(channels="$width", op=["act", "conv"]),
    nodes={
        "M(3..5)": dict(inputs=["C(l)", "M(l+1) | none"]),
        "P(3..5)": dict(inputs=["M(l)"], channels={3: 8, 4: 16, 5: 24}),
    },
    outputs=["P(3..5)"],
)
model = dict(neck=dict(type="FPNGraph", graph=graph, in_channels=[8, 16, 32, 64]))
"""
FILE = """\
fpngraph: 1
name: from a file
params: {width: 16}
inputs: C(3..5)
defaults: {channels: $width}
nodes:
  P(3..5): {inputs: [C(l), P(l+1) | none]}
outputs: P(3..5)
"""


@pytest.fixture(autouse=True)
def host() -> Iterator[None]:
    with mmdet():
        yield


@pytest.fixture
def inline(tmp_path: Path) -> Path:
    path = tmp_path / "inline.py"
    path.write_text(INLINE)
    return path


def neck_of(path: Path, *options: str) -> Any:
    """What a training script builds from a file, and from what is typed behind ``--cfg-options``."""
    from mmdet.registry import MODELS
    from mmengine import Config, DictAction

    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, default={})
    typed = parser.parse_args(["--cfg-options", *options] if options else [])
    config = Config.fromfile(path)
    config.merge_from_dict(typed.cfg_options)
    return MODELS.build(config.model.neck)


@pytest.mark.parametrize("ending", ["py", "yaml", "json"])
def test_an_inline_graph_is_the_same_after_dump_and_load(inline: Path, ending: str) -> None:
    from mmengine import Config

    path = inline.with_name(f"dumped.{ending}")
    Config.fromfile(inline).dump(path)

    ours = neck_of(path)

    assert ours.out_channels == (8, 16, 24)
    assert ours.plugged.neck.source_graph == neck_of(inline).plugged.neck.source_graph


def test_a_graph_lies_beside_the_configuration_and_takes_the_place_of_another(inline: Path) -> None:
    (inline.parent / "mine").mkdir()
    inline.with_name("mine").joinpath("neck.yaml").write_text(FILE)
    path = inline.with_name("mine") / "config.py"
    path.write_text(
        "_base_ = '../inline.py'\n"
        "model = dict(neck=dict(_delete_=True, type='FPNGraph', graph='{{ fileDirname }}/neck.yaml', "
        "in_channels=[8, 16, 32, 64]))\n"
    )

    assert neck_of(path).plugged.neck.source_graph == fpngraph.loads(FILE)
    assert neck_of(path, "model.neck.params.width=40", "model.neck.num_outs=3").out_channels == (40, 40, 40)


def test_an_inherited_graph_gets_another_node(inline: Path) -> None:
    path = inline.with_name("more.py")
    path.write_text(
        "_base_ = 'inline.py'\n"
        "model = dict(neck=dict(graph=dict(nodes=dict(Q6=dict(inputs=['P5'])), outputs=['P(3..5)', 'Q6'])))\n"
    )

    neck = neck_of(path, "model.neck.graph.params.width=32")

    assert (neck.names, neck.out_channels) == (("P3", "P4", "P5", "Q6"), (8, 16, 24, 32))


def test_a_configuration_of_plain_python_names_the_class(inline: Path) -> None:
    path = inline.with_name("plain.py")
    path.write_text(
        "from mmengine.config import read_base\n"
        "with read_base():\n"
        "    from .inline import *\n"
        "from fpngraph.adapters.mmdet import FPNGraph\n"
        "model.update(neck=dict(type=FPNGraph, graph='fpn', in_channels=[8, 16, 32, 64], params=dict(channels=16)))\n"
    )

    assert neck_of(path).names == ("P2", "P3", "P4", "P5", "P6")


def test_a_library_on_mmengine_finds_it_by_name_in_a_registry_of_its_own() -> None:
    from mmengine.registry import MODELS, Registry

    theirs = Registry("model", scope="fpngraph_tests", parent=MODELS, locations=[])
    try:
        neck = theirs.build({**NARROW, "graph": "bifpn"})
    finally:
        del MODELS.children["fpngraph_tests"]

    assert neck.out_strides == (8, 16, 32, 64, 128)


def test_a_detector_of_mmyolo_learns_and_detects(monkeypatch: pytest.MonkeyPatch) -> None:
    import mmcv

    monkeypatch.setattr(mmcv, "__version__", "2.0.1")  # the newest that mmyolo takes; its necks do not mind
    with library("mmyolo", hint=HINT), library("prettytable", hint=HINT):
        import mmyolo
        from mmengine import Config
        from mmengine.registry import init_default_scope
        from mmyolo.registry import MODELS
        from mmyolo.utils import register_all_modules

    from fpngraph.adapters.mmdet import check

    register_all_modules(init_default_scope=False)
    folder = Path(mmyolo.__file__).parent / ".mim" / "configs"
    model = Config.fromfile(folder / "yolov8" / "yolov8_n_syncbn_fast_8xb16-500e_coco.py").model
    model.backbone.update(deepen_factor=0.1, widen_factor=0.125)
    model.neck = {**NARROW, "graph": "bifpn", "in_channels": [32, 64, 128], "strides": (8, 16, 32)}
    model.neck |= {"params": {"channels": 32, "repeats": 1, "max": 5}, "num_outs": 3}
    model.data_preprocessor = {"type": "mmdet.DetDataPreprocessor", "std": [255] * 3, "mean": [0] * 3}
    model.bbox_head.head_module.update(in_channels=[32, 32, 32], widen_factor=1, num_classes=2)
    model.train_cfg.assigner.num_classes = 2
    init_default_scope("mmyolo")
    try:
        torch.manual_seed(0)
        built = MODELS.build(model).train()
    finally:
        init_default_scope("mmdet")
    initialised(built)
    check(built)

    found = losses(built, 6)
    with torch.no_grad():
        results = built.eval()(**built.data_preprocessor(scenes(), False), mode="predict")

    assert found[-1] < found[0]
    assert [name for name, parameter in built.neck.named_parameters() if parameter.grad is None] == []
    assert all(it.pred_instances.bboxes.shape == (len(it.pred_instances.scores), 4) for it in results)


@pytest.fixture
def runner(tmp_path: Path) -> Any:
    config = configuration(RETINANET)
    config.merge_from_dict({"custom_imports": {"imports": ["fpngraph.adapters.mmdet"]}})
    config.model.neck = {**NARROW, "graph": "bifpn", "params": {"channels": 32, "repeats": 1}}
    config.custom_hooks = [{"type": "EMAHook", "momentum": 0.1}, {"type": "CheckFPNGraph"}]
    paramwise = {"custom_keys": {"neck": {"lr_mult": 0.5}, "fusion": {"lr_mult": 0.5, "decay_mult": 0.0}}}
    optimizer = {"type": "SGD", "lr": 0.01, "weight_decay": 0.1}
    config.optim_wrapper = {"type": "OptimWrapper", "optimizer": optimizer, "paramwise_cfg": paramwise}
    return trained(config, tmp_path)


def test_what_a_runner_has_trained_and_averaged_is_loaded_and_detects(
    runner: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mmdet.apis import inference_detector, init_detector

    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # a Runner saves more than weights
    averaged = next(hook.ema_model.module for hook in runner.hooks if hasattr(hook, "ema_model"))
    runner.cfg.dump(tmp_path / "config.py")

    model = init_detector(tmp_path / "config.py", str(tmp_path / "epoch_2.pth"), device="cpu")

    for image in images((96, 64), (97, 131)):
        for ours, theirs in zip(model.extract_feat(image), averaged.eval().extract_feat(image), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    photo = scenes()["inputs"][0].permute(1, 2, 0).numpy()
    found = inference_detector(model, photo).pred_instances
    assert found.bboxes.shape == (len(found.scores), 4)


def test_rates_are_said_for_the_neck_and_for_its_fusion_weights(runner: Any) -> None:
    by_parameter = {id(group["params"][0]): group for group in runner.optim_wrapper.param_groups}
    said = {name: by_parameter[id(it)] for name, it in runner.model.neck.named_parameters()}

    fusions = [group for name, group in said.items() if "fusion" in name]
    others = [group for name, group in said.items() if "fusion" not in name]
    assert {(group["lr"], group["weight_decay"]) for group in fusions} == {(0.005, 0.0)}
    assert {(group["lr"], group["weight_decay"]) for group in others} == {(0.005, 0.1)}
