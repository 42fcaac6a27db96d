"""A neck in detectron2: detectors of both kinds of configuration train, are saved and come back."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

import fpngraph
from fpngraph.layers.lean import LeanNode
from tests.hosts.detectrons import (
    FASTER_RCNN,
    HINT,
    OWN,
    RETINANET,
    assert_learns_and_detects,
    configured,
    detectron2,
    lazy_retinanet,
)
from tests.oracles.reference import library, randomised
from tests.pages import run_page

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def d2() -> SimpleNamespace:
    return detectron2()


@pytest.mark.parametrize("text", [RETINANET, FASTER_RCNN], ids=["RetinaNet", "Faster R-CNN"])
def test_a_detector_of_a_yacs_configuration_learns_and_detects(d2: SimpleNamespace, tmp_path: Path, text: str) -> None:
    torch.manual_seed(0)

    assert_learns_and_detects(d2, d2.build(configured(d2, tmp_path, text)))


def test_a_detector_of_a_lazy_configuration_learns_and_detects(d2: SimpleNamespace) -> None:
    torch.manual_seed(0)

    assert_learns_and_detects(d2, d2.config.instantiate(lazy_retinanet(d2, OWN)))


SINGLE: Mapping[str, Any] = {
    "fpngraph": 1,
    "name": "single",
    "params": {"width": 8},
    "inputs": "C(3..5)",
    "nodes": {
        "P(3..5)": {
            "inputs": [{"from": "C(l)", "project": "always"}],
            "channels": {3: "$width", 4: "$width", 5: "$(2 * width)"},
        }
    },
    "outputs": ["P5", "P3", "P4"],
}


def test_a_lazy_configuration_is_saved_and_loaded_with_an_equal_graph(d2: SimpleNamespace, tmp_path: Path) -> None:
    for graph in (OWN, SINGLE):
        saved = lazy_retinanet(d2, graph)
        d2.config.LazyConfig.save(saved, str(tmp_path / "saved.yaml"))

        loaded = d2.config.LazyConfig.load(str(tmp_path / "saved.yaml"))

        graphs = [d2.config.instantiate(it.backbone).plugged.neck.source_graph for it in (saved, loaded)]
        assert graphs[0] == graphs[1]
        assert list(graphs[0].outputs) == list(graphs[1].outputs)


def test_a_yacs_configuration_is_dumped_and_loaded_with_an_equal_graph(d2: SimpleNamespace, tmp_path: Path) -> None:
    inline = "".join(f"      {line}\n" for line in OWN.splitlines())
    cfg = configured(d2, tmp_path, f"  FPNGRAPH:\n    PARAMS: {{width: 24}}\n    GRAPH: |\n{inline}")
    (tmp_path / "dumped.yaml").write_text(cfg.dump(), encoding="utf-8")

    loaded = d2.config.get_cfg()
    d2.ours.add_fpngraph_config(loaded)
    loaded.merge_from_file(str(tmp_path / "dumped.yaml"))

    backbones = [d2.backbone.build_backbone(it) for it in (cfg, loaded)]
    assert backbones[0].plugged.neck.source_graph == backbones[1].plugged.neck.source_graph
    assert backbones[1].plugged.neck.source_graph == fpngraph.loads(OWN, width=24)
    assert backbones[1].output_shape() == backbones[0].output_shape()


def test_the_graph_is_cut_to_the_outputs_that_are_read(d2: SimpleNamespace, tmp_path: Path) -> None:
    cfg = configured(d2, tmp_path, "  FPNGRAPH: {GRAPH: fpn, OUTPUTS: [P3, P5], SIZE_DIVISIBILITY: 32}\n")

    backbone = d2.backbone.build_backbone(cfg)

    assert {name: (it.channels, it.stride) for name, it in backbone.output_shape().items()} == {
        "p3": (256, 8),
        "p5": (256, 32),
    }
    assert backbone.size_divisibility == 32
    assert [name for name, _ in backbone.plugged.neck.named_children()] == ["M5", "M4", "M3", "P3", "P5"]


def test_a_lean_neck_is_asked_for_in_the_configuration(d2: SimpleNamespace, tmp_path: Path) -> None:
    cfg = configured(d2, tmp_path, "  FPNGRAPH: {GRAPH: bifpn, LEAN: True}\n")

    neck = d2.backbone.build_backbone(cfg).plugged.neck

    assert any(isinstance(part, LeanNode) for part in neck.modules())


def test_a_checkpoint_comes_back(d2: SimpleNamespace, tmp_path: Path) -> None:
    cfg = configured(d2, tmp_path, RETINANET)
    trained, other = (randomised(d2.build(cfg), seed).double().eval() for seed in (0, 1))
    d2.Checkpointer(trained, str(tmp_path)).save("model")

    d2.Checkpointer(other).load(str(tmp_path / "model.pth"))

    image = torch.rand(1, 3, 65, 93, dtype=torch.float64)
    assert_equal_maps(trained.backbone(image), other.backbone(image))


def test_a_published_backbone_leaves_the_neck_as_it_is(d2: SimpleNamespace, tmp_path: Path) -> None:
    detector = d2.build(configured(d2, tmp_path, RETINANET))
    before = {name: x.clone() for name, x in detector.backbone.plugged.state_dict().items()}
    published = randomised(d2.build(configured(d2, tmp_path, RETINANET)), 5).backbone.bottom_up.state_dict()
    arrays = {name: x.numpy() for name, x in published.items()}
    with (tmp_path / "R-18.pkl").open("wb") as file:
        pickle.dump({"model": arrays, "__author__": "somebody", "matching_heuristics": True}, file)

    d2.Checkpointer(detector).load(str(tmp_path / "R-18.pkl"))

    assert_equal_maps(published, detector.backbone.bottom_up.state_dict())
    assert_equal_maps(before, detector.backbone.plugged.state_dict())


def test_weights_of_its_own_pyramid_give_its_maps(d2: SimpleNamespace, tmp_path: Path) -> None:
    cfg = configured(d2, tmp_path, "  FPNGRAPH: {GRAPH: fpn}\n")
    ours = d2.backbone.build_backbone(cfg).double().eval()
    cfg.MODEL.BACKBONE.NAME = "build_resnet_fpn_backbone"
    cfg.MODEL.FPN.IN_FEATURES = ["res2", "res3", "res4", "res5"]
    theirs = randomised(d2.backbone.build_backbone(cfg))
    theirs = theirs.double().eval()
    ours.bottom_up.load_state_dict(theirs.bottom_up.state_dict())
    state = {name: x for name, x in theirs.state_dict().items() if name.startswith("fpn_")}

    fpngraph.load_from(ours.plugged.neck, state, "detectron2.FPN")

    image = torch.rand(1, 3, 64, 96, dtype=torch.float64)
    assert_equal_maps(theirs(image), ours(image), 1e-12)


def assert_equal_maps(one: Mapping[str, Tensor], other: Mapping[str, Tensor], tolerance: float = 0.0) -> None:
    assert list(one) == list(other)
    for name, x in one.items():
        scale = x.abs().max() if x.is_floating_point() else 1
        assert (x - other[name]).abs().max() <= tolerance * scale, name


def test_documentation_runs(d2: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(d2.modeling.BACKBONE_REGISTRY, "_obj_map", dict(d2.modeling.BACKBONE_REGISTRY._obj_map))

    with library("detectron2", hint=HINT):
        run_page("hosts/detectron2.md")
