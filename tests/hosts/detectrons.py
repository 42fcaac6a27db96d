"""Small detectors of detectron2 with a neck, and what is used of it.

It is not on the package index: a checkout of it on PYTHONPATH is enough, without its compiled operators.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from tests.oracles.reference import library

HINT = "it is not on the package index: 'PYTHONPATH=/path/to/its/checkout make test-hosts' runs this"
STEPS = 4
SMALL = """\
VERSION: 2
MODEL:
  DEVICE: cpu
  WEIGHTS: ""
  RESNETS: {DEPTH: 18, RES2_OUT_CHANNELS: 64, NORM: BN, OUT_FEATURES: [res2, res3, res4, res5]}
  BACKBONE: {NAME: build_resnet_fpngraph_backbone, FREEZE_AT: 0}
"""
RETINANET = """\
  META_ARCHITECTURE: RetinaNet
  ANCHOR_GENERATOR: {SIZES: [[16], [32], [64], [128], [256]]}
  RETINANET: {NUM_CLASSES: 3, NUM_CONVS: 1}
  FPNGRAPH: {GRAPH: bifpn, PARAMS: {channels: 32, repeats: 1}}
"""
FASTER_RCNN = """\
  META_ARCHITECTURE: GeneralizedRCNN
  ANCHOR_GENERATOR: {SIZES: [[16], [32], [64], [128], [256]]}
  RPN: {IN_FEATURES: [p2, p3, p4, p5, p6], PRE_NMS_TOPK_TRAIN: 50, POST_NMS_TOPK_TRAIN: 40, POST_NMS_TOPK_TEST: 20}
  ROI_HEADS: {NAME: StandardROIHeads, IN_FEATURES: [p2, p3, p4, p5], NUM_CLASSES: 3, BATCH_SIZE_PER_IMAGE: 16}
  ROI_BOX_HEAD: {NAME: FastRCNNConvFCHead, NUM_FC: 1, FC_DIM: 64}
  FPNGRAPH: {GRAPH: panet, PARAMS: {channels: 32}}
"""
OWN = """\
fpngraph: 1
name: own
params: {width: 16}
inputs: C(3..5)
defaults: {channels: $width, norm: {group_norm: {groups: 4}}}
stages:
  lateral:
    nodes: {L(3..5): {inputs: [{from: C(l), project: always}]}}
    outputs: {C(3..5): L(l)}
  down:
    nodes: {D(3..5): {inputs: [C(l), D(l+1) | none], op: [{conv: {kernel: 3}}, norm, act]}}
    outputs: {C(3..5): D(l)}
  above:
    nodes: {U(3..5): {inputs: [C(l), U(l-1) | none], op: [{conv: {kernel: 3}}, norm, act]}}
    outputs: {C(3..5): U(l)}
outputs: C(3..5)
"""


def detectron2() -> SimpleNamespace:
    """What is used of detectron2, and our adapter; a test that asks for it is skipped where it is missing."""
    with library("detectron2", hint=HINT):
        from detectron2 import config, modeling
        from detectron2.checkpoint import DetectionCheckpointer
        from detectron2.modeling import backbone
        from detectron2.structures import Boxes, Instances
        from detectron2.utils.events import EventStorage

        from fpngraph.adapters import detectron2 as ours
    return SimpleNamespace(
        config=config,
        modeling=modeling,
        build=modeling.build_model,
        backbone=backbone,
        Boxes=Boxes,
        Instances=Instances,
        Checkpointer=DetectionCheckpointer,
        EventStorage=EventStorage,
        ours=ours,
    )


def configured(d2: SimpleNamespace, folder: Path, text: str) -> Any:
    """A configuration as a user has it: the file of a detector."""
    path = folder / "detector.yaml"
    path.write_text(SMALL + text, encoding="utf-8")
    cfg = d2.config.get_cfg()
    d2.ours.add_fpngraph_config(cfg)
    cfg.merge_from_file(str(path))
    return cfg


def scene(d2: SimpleNamespace, height: int, width: int) -> dict[str, Any]:
    """A dark image with a bright rectangle."""
    image = torch.full((3, height, width), 20.0)
    image[:, 10:50, 15:60] = 200
    things = d2.Instances((height, width))
    things.gt_boxes = d2.Boxes(torch.tensor([[15.0, 10, 60, 50]]))
    things.gt_classes = torch.tensor([1])
    return {"image": image, "instances": things, "height": height, "width": width}


def assert_learns_and_detects(d2: SimpleNamespace, detector: nn.Module) -> None:
    """Images of odd sizes, a batch of two; all of the neck has gradients, and detections are in the image."""
    d2.ours.check(detector)
    scenes = [scene(d2, 97, 129), scene(d2, 120, 75)]
    optimizer = torch.optim.AdamW(detector.parameters(), lr=3e-4)
    losses = []
    detector.train()
    for _ in range(STEPS):
        torch.manual_seed(1)  # proposals are sampled
        detector.loss_normalizer = 100.0  # RetinaNet's is a running mean: fewer objects than it expects raise its loss
        with library("detectron2"), d2.EventStorage():
            loss = sum(detector(scenes).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        (found,) = detector.eval()(scenes[:1])

    assert losses[-1] < losses[0]
    assert [name for name, x in detector.backbone.plugged.named_parameters() if x.grad is None] == []
    boxes = found["instances"].pred_boxes.tensor
    assert (boxes <= torch.tensor([129.0, 97, 129, 97])).all()


def lazy_retinanet(d2: SimpleNamespace, graph: Any, channels: int = 16) -> Any:
    """A RetinaNet of three levels as a lazy configuration, which repeats widths, names and strides by hand."""
    from detectron2.layers import ShapeSpec
    from detectron2.modeling.anchor_generator import DefaultAnchorGenerator
    from detectron2.modeling.box_regression import Box2BoxTransform
    from detectron2.modeling.matcher import Matcher
    from detectron2.modeling.meta_arch.retinanet import RetinaNet, RetinaNetHead

    lazy, resnet = d2.config.LazyCall, d2.backbone.ResNet
    stages = lazy(resnet.make_default_stages)(depth=18, norm="BN")
    stem = lazy(d2.backbone.BasicStem)(in_channels=3, out_channels=64, norm="BN")
    bottom_up = lazy(resnet)(stem=stem, stages=stages, out_features=["res3", "res4", "res5"])
    return lazy(RetinaNet)(
        backbone=lazy(d2.ours.FPNGraph)(bottom_up=bottom_up, graph=graph, params={"width": 16}),
        head=lazy(RetinaNetHead)(
            input_shape=[ShapeSpec(channels=channels)] * 3, num_classes=3, conv_dims=[16], num_anchors=1
        ),
        anchor_generator=lazy(DefaultAnchorGenerator)(
            sizes=[[32], [64], [128]], aspect_ratios=[1.0], strides=[8, 16, 32]
        ),
        box2box_transform=lazy(Box2BoxTransform)(weights=[1.0, 1.0, 1.0, 1.0]),
        anchor_matcher=lazy(Matcher)(thresholds=[0.4, 0.5], labels=[0, -1, 1], allow_low_quality_matches=True),
        num_classes=3,
        head_in_features=["p3", "p4", "p5"],
        pixel_mean=[103.5, 116.3, 123.7],
        pixel_std=[57.4, 57.1, 58.4],
    )
