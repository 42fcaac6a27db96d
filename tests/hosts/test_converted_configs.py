"""``fpngraph convert`` over the configurations that detectors come with: how many, why not, and equal numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.cli.main import main
from fpngraph.errors import GraphError, Problem
from fpngraph.importers.detectron2 import convert as detectron2
from fpngraph.importers.mmdet import convert as mmdet
from tests.oracles.reference import library, randomised
from tests.oracles.references.mmdet import necks

pytestmark = pytest.mark.hosts

HINT = "'make test-hosts' runs this"
LIMIT = 1e-10


def configurations() -> Path:
    """Those in mmdet's wheel."""
    return Path(necks().__file__).parents[2] / ".mim" / "configs"


def converted(source: str, path: Path, folder: Path) -> fpngraph.Graph:
    """The graph that the command line writes beside the table of its weights."""
    assert main(["convert", source, str(path), "-o", str(folder / "my.yaml")]) == 0
    return fpngraph.load(folder / "my.yaml")


def assert_equal(ours: Any, theirs: Any) -> None:
    for y, other in zip(ours, theirs, strict=True):
        assert y.shape == other.shape
        assert float((y - other).abs().max() / other.abs().max()) < LIMIT


def maps_of(neck: fpngraph.Neck, size: tuple[int, int]) -> list[Tensor]:
    """Random maps of an image of that size."""
    generator = torch.Generator().manual_seed(1)
    entries = zip(neck.source_graph.inputs.values(), neck.in_channels.values(), strict=True)
    return [
        torch.randn(1, channels, *(-(-side >> it.level) for side in size), generator=generator).double()
        for it, channels in entries
    ]


SAMPLES = {
    "retinanet/retinanet_r50_fpn_1x_coco.py": (75, 107),
    "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py": (75, 107),  # a relu before P7
    "guided_anchoring/ga-retinanet_r50-caffe_fpn_1x_coco.py": (64, 96),
    "faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py": (75, 107),
    "crowddet/crowddet-rcnn_r50_fpn_8xb2-30e_crowdhuman.py": (75, 107),  # bilinear
    "nas_fpn/retinanet_r50_fpn_crop640-50e_coco.py": (64, 96),  # norms
    "gn/mask-rcnn_r50_fpn_gn-all_2x_coco.py": (75, 107),
    "libra_rcnn/libra-faster-rcnn_r50_fpn_1x_coco.py": (64, 128),
    "libra_rcnn/libra-retinanet_r50_fpn_1x_coco.py": (64, 128),
    "pafpn/faster-rcnn_r50_pafpn_1x_coco.py": (75, 107),
    "nas_fpn/retinanet_r50_nasfpn_crop640-50e_coco.py": (128, 128),
    "fpg/faster-rcnn_r50_fpg-chn128_crop640-50e_coco.py": (64, 128),
    "hrnet/faster-rcnn_hrnetv2p-w18-1x_coco.py": (64, 128),
    "yolo/yolov3_d53_8xb8-ms-608-273e_coco.py": (64, 96),
    "yolo/yolov3_mobilenetv2_8xb24-ms-416-300e_coco.py": (64, 96),
    "yolox/yolox_tiny_8xb8-300e_coco.py": (64, 96),
    "rtmdet/rtmdet_tiny_8xb32-300e_coco.py": (64, 96),
    "deformable_detr/deformable-detr_r50_16xb2-50e_coco.py": (75, 107),
    "detr/detr_r50_8xb2-150e_coco.py": (75, 107),
    "masktrack_rcnn/masktrack-rcnn_mask-rcnn_r50_fpn_8xb1-12e_youtubevis2019.py": (64, 64),
}


@pytest.mark.parametrize(("file", "size"), SAMPLES.items(), ids=SAMPLES)
@torch.no_grad()
def test_numbers_are_those_of_mmdets_neck(file: str, size: tuple[int, int], tmp_path: Path) -> None:
    necks()
    with library("mmdet", hint=HINT):
        from mmdet.registry import MODELS
        from mmengine import Config

        model = Config.fromfile(configurations() / file).model
        said = model.neck if "neck" in model else model.detector.neck
        parts = said if isinstance(said, list) else [said]
        for one in parts:
            if one.get("norm_cfg", {}) and one.norm_cfg.get("type") == "SyncBN":
                one.norm_cfg.type = "BN"
        theirs = nn.ModuleList(MODELS.build(dict(one, _scope_="mmdet")) for one in parts)
    theirs = randomised(theirs).double().eval()
    prefix = "neck." if isinstance(said, list) else "neck.0."

    graph = converted("mmdet", configurations() / file, tmp_path)
    widths = list(parts[0].in_channels)
    widths = widths[::-1] if parts[0].type == "YOLOV3Neck" else widths
    start = parts[0].get("start_level", 0)
    ours = fpngraph.build(graph, widths[start:]).double().eval()
    state = {f"neck.{name}": tensor for name, tensor in theirs.state_dict().items()}
    carried = fpngraph.load_from(ours, state, "mmdet", prefix=prefix, table=tmp_path / "my.weights.yaml")

    given = maps_of(ours, size)
    assert carried.missing == ()
    expected: Any = [given[0]] * start + given
    for neck in theirs:
        expected = neck(tuple(expected))
    assert_equal(ours(given), expected)


def test_the_most_of_mmdets_configurations_convert_and_each_refusal_says_why() -> None:
    necks()
    files = sorted(configurations().rglob("*.py"))
    refused: list[Problem] = []
    texts: set[str] = set()
    for file in files:
        try:
            texts.add(mmdet.convert(file).text)
        except GraphError as error:
            refused.append(error.problems[0])

    assert (len(files), len(refused)) == (869, 159)
    assert [problem for problem in refused if problem.span is None] == []
    for text in texts:
        fpngraph.loads(text)


@pytest.mark.parametrize(
    ("settings", "in_feature"), [({}, None), ({"NORM": "GN"}, None), ({"FUSE_TYPE": "avg"}, None), ({}, "p5")]
)
@torch.no_grad()
def test_numbers_are_those_of_detectron2s_pyramid(
    settings: Mapping[str, Any], in_feature: str | None, tmp_path: Path
) -> None:
    with library("detectron2", hint="put a checkout of it on PYTHONPATH; 'make test-hosts' runs this"):
        from detectron2.layers import ShapeSpec
        from detectron2.modeling.backbone import Backbone
        from detectron2.modeling.backbone.fpn import FPN, LastLevelP6P7

    class Maps(Backbone):
        """A backbone that gives the maps that it is given."""

        def forward(self, maps: Any) -> Any:
            return maps

        def output_shape(self) -> Any:
            return {f"res{level}": ShapeSpec(channels=4 << level, stride=1 << level) for level in (3, 4, 5)}

    block = LastLevelP6P7(64 if in_feature else 128, 64, in_feature or "res5")
    norm, fuse = settings.get("NORM", ""), settings.get("FUSE_TYPE", "sum")
    theirs = FPN(Maps(), ["res3", "res4", "res5"], 64, norm=norm, top_block=block, fuse_type=fuse)
    theirs = randomised(theirs).double().eval()
    path = tmp_path / "config.yaml"
    if in_feature:
        name = "detectron2.modeling.backbone.fpn"
        top = f"{{_target_: {name}.LastLevelP6P7, in_feature: p5}}"
        settings = f"in_features: [res3, res4, res5], out_channels: 64, top_block: {top}"
        path.write_text(f"model:\n  backbone: {{_target_: {name}.FPN, {settings}}}\n")
    else:
        said = {"IN_FEATURES": ["res3", "res4", "res5"], "OUT_CHANNELS": 64, **settings}
        backbone = "  BACKBONE: {NAME: build_retinanet_resnet_fpn_backbone}\n"
        path.write_text("MODEL:\n" + backbone + f"  FPN: {str(said).replace(chr(39), '')}\n")

    ours = fpngraph.build(converted("detectron2", path, tmp_path), [32, 64, 128]).double().eval()
    state = {f"backbone.{name}": tensor for name, tensor in theirs.state_dict().items()}
    fpngraph.load_from(ours, state, "detectron2.FPN", prefix="backbone.", table=tmp_path / "my.weights.yaml")

    given = maps_of(ours, (64, 96))
    assert_equal(ours(given), theirs(dict(zip(("res3", "res4", "res5"), given, strict=True))).values())


def test_detectron2s_configurations_convert_but_for_those_without_a_pyramid() -> None:
    with library("detectron2", hint="put a checkout of it on PYTHONPATH; 'make test-hosts' runs this"):
        import detectron2 as package

    files = sorted((Path(package.__file__).parents[1] / "configs").rglob("*.yaml"))
    refused: Counter[str] = Counter()
    for file in files:
        try:
            fpngraph.loads(detectron2.convert(file).text)
        except GraphError as error:
            refused[error.problems[0].message] += 1

    assert refused == {"the backbone is 'build_resnet_backbone', which has no pyramid": 21}
    assert len(files) == 92


@pytest.mark.parametrize("version", ["", "V2"])
@torch.no_grad()
def test_numbers_are_those_of_rt_detrs_encoder(version: str, tmp_path: Path) -> None:
    with library("transformers", hint=HINT):
        import transformers

        backbone = {"depths": [1] * 4, "hidden_sizes": [16, 24, 32, 48], "embedding_size": 16, "layer_type": "basic"}
        config = getattr(transformers, f"RTDetr{version}Config")(
            backbone_config=transformers.RTDetrResNetConfig(out_indices=[2, 3, 4], **backbone),
            encoder_in_channels=[24, 32, 48],
            encoder_hidden_dim=32,
            encoder_ffn_dim=48,
            hidden_expansion=0.5,
            decoder_layers=1,
            d_model=32,
            decoder_in_channels=[32] * 3,
            decoder_attention_heads=4,
        )
        config.save_pretrained(tmp_path)
        model = randomised(getattr(transformers, f"RTDetr{version}Model")(config)).double().eval()

        graph = converted("transformers", tmp_path / "config.json", tmp_path)
        ours = fpngraph.build(graph, [24, 32, 48]).double().eval()
        fpngraph.load_from(ours, model.state_dict(), "transformers", table=tmp_path / "my.weights.yaml")

        given = maps_of(ours, (64, 96))
        projected = [project(x) for project, x in zip(model.encoder_input_proj, given, strict=True)]
        assert_equal(ours(given), model.encoder(projected).last_hidden_state)
