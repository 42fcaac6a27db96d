"""The neck of a running detector is swapped for a graph with the weights of its checkpoint: maps and outputs stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from tests.oracles.reference import library, randomised
from tests.oracles.references import mmdet

pytestmark = pytest.mark.hosts

HINT = "'make test-hosts' runs this"
TOLERANCE = 1e-10
SIZES = [(64, 96), (75, 53)]


def flat(found: Any) -> Iterator[Tensor]:
    """Every tensor in what a detector gives, in its order."""
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, Mapping | Sequence):
        for inner in found.values() if isinstance(found, Mapping) else found:
            yield from flat(inner)


def assert_same(found: Any, expected: Any) -> None:
    pairs = list(zip(flat(found), flat(expected), strict=True))
    assert pairs
    for y, other in pairs:
        assert y.shape == other.shape
        assert float((y - other).abs().max() / other.abs().max()) < TOLERANCE


def as_trained(detector: nn.Module) -> nn.Module:
    """The detector with the weights of no training: all random, the statistics of norms too."""
    return randomised(detector).double().eval()


def image(size: tuple[int, int], batch: int = 1) -> Tensor:
    return torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(1)).double()


# torchvision

RESNET = {4: ("0", 256), 8: ("1", 512), 16: ("2", 1024), 32: ("3", 2048)}


@pytest.mark.parametrize("size", SIZES, ids=str)
@torch.no_grad()
def test_torchvisions_faster_rcnn(size: tuple[int, int]) -> None:
    from torchvision.models.detection import fasterrcnn_resnet50_fpn

    detector: Any = as_trained(fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=5))
    maps = detector.backbone(image(size))
    expected = maps, detector.rpn.head(list(maps.values()))

    names = {"0": "P2", "1": "P3", "2": "P4", "3": "P5", "pool": "P6"}
    plugged: Any = fpngraph.plug("fpn", RESNET, outputs=names).double().eval()
    carried = fpngraph.load_from(
        plugged.neck, detector.state_dict(), "torchvision.FeaturePyramidNetwork", prefix="backbone.fpn."
    )
    detector.backbone.fpn = plugged

    assert len(carried.taken) == 16
    maps = detector.backbone(image(size))
    assert list(maps) == list(names)
    assert_same((maps, detector.rpn.head(list(maps.values()))), expected)


@pytest.mark.parametrize("version", ["retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2"])
@torch.no_grad()
def test_torchvisions_retinanet(version: str) -> None:
    from torchvision.models import detection

    detector: Any = as_trained(getattr(detection, version)(weights=None, weights_backbone=None, num_classes=5))
    maps = detector.backbone(image(SIZES[1]))
    expected = maps, detector.head(list(maps.values()))

    # Version 1 makes its first extra level of P5, version 2 of C5: the widths of theirs decide.
    source = "P5" if detector.backbone.fpn.extra_blocks.use_P5 else "C5"
    names = {"0": "P3", "1": "P4", "2": "P5", "p6": "P6", "p7": "P7"}
    have = {stride: (str(place), width) for place, (stride, (_, width)) in enumerate([*RESNET.items()][1:])}
    plugged: Any = fpngraph.plug("retinanet_fpn", have, outputs=names, params={"source": source}).double().eval()
    fpngraph.load_from(plugged.neck, detector.state_dict(), "torchvision.FeaturePyramidNetwork", prefix="backbone.fpn.")
    detector.backbone.fpn = plugged

    maps = detector.backbone(image(SIZES[1]))
    assert_same((maps, detector.head(list(maps.values()))), expected)


# mmdet


def of_mmdet(file: str) -> tuple[Any, Any]:
    """A detector of a configuration in mmdet's wheel, with a small backbone, and the configuration."""
    necks = mmdet.necks()
    with library("mmdet", hint=HINT):
        from mmdet.registry import MODELS
        from mmengine import Config
        from mmengine.registry import init_default_scope

        config = Config.fromfile(Path(necks.__file__).parents[2] / ".mim" / "configs" / file)
        init_default_scope("mmdet")
        config.model.backbone.update(depth=18, init_cfg=None)
        config.model.neck.in_channels = [64, 128, 256, 512]
        return as_trained(MODELS.build(config.model)), config


WIDTHS = {4: 64, 8: 128, 16: 256, 32: 512}
FROM_INPUT = {"extra": {"strided_conv": {"kernel": 3}}}  # the published RetinaNet has no relu before P7


@pytest.mark.parametrize(
    ("file", "graph", "params"),
    [
        ("retinanet/retinanet_r50_fpn_1x_coco.py", "retinanet_fpn", FROM_INPUT),
        ("faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py", "fpn", {}),
        ("pafpn/faster-rcnn_r50_pafpn_1x_coco.py", "panet", {}),
    ],
)
@pytest.mark.parametrize("size", SIZES, ids=str)
@torch.no_grad()
def test_mmdets_detectors(file: str, graph: str, params: dict[str, Any], size: tuple[int, int]) -> None:
    detector, config = of_mmdet(file)
    head = detector.rpn_head if hasattr(detector, "rpn_head") else detector.bbox_head
    maps = detector.neck(detector.backbone(image(size)))
    expected = maps, head(maps)

    plugged: Any = fpngraph.plug(graph, WIDTHS, params=params).double().eval()
    source = f"mmdet.{config.model.neck.type}"
    fpngraph.load_from(plugged.neck, detector.state_dict(), source, prefix="neck.", config=config)
    detector.neck = plugged

    maps = detector.neck(detector.backbone(image(size)))
    assert_same((maps, head(maps)), expected)


@torch.no_grad()
def test_mmdets_retinanet_is_refused_by_the_graph_with_an_activation_before_p7_and_without_its_configuration() -> None:
    detector, config = of_mmdet("retinanet/retinanet_r50_fpn_1x_coco.py")
    plugged: Any = fpngraph.plug("retinanet_fpn", WIDTHS).double()
    state = detector.state_dict()

    with pytest.raises(ValueError) as without:
        fpngraph.load_from(plugged.neck, state, "mmdet.FPN", prefix="neck.")
    with pytest.raises(ValueError) as other:
        fpngraph.load_from(plugged.neck, state, "mmdet.FPN", prefix="neck.", config=config)

    assert str(without.value) == (
        "the tensors of 'mmdet.FPN' do not tell its 'add_extra_convs' and 'relu_before_extra_convs'\n"
        "  hint: give 'config', a mapping with the settings of their neck"
    )
    assert str(other.value) == (
        "'relu_before_extra_convs' is False, but the edge from 'P6' to 'P7' has the activation 'relu' in front"
    )


# transformers


class Encoder(nn.Module):
    """A plugged neck where RT-DETR has its encoder."""

    def __init__(self, neck: nn.Module, output: type) -> None:
        super().__init__()
        self.neck, self.output = neck, output

    def forward(self, maps: list[Tensor], **_: object) -> Any:
        return self.output(last_hidden_state=list(self.neck(maps)))


@pytest.mark.parametrize("version", ["", "V2"])
@torch.no_grad()
def test_rt_detr_of_transformers(version: str) -> None:
    with library("transformers", hint=HINT):
        import transformers
        from transformers.modeling_outputs import BaseModelOutput

        widths = [24, 32, 48]
        backbone = {"depths": [1] * 4, "hidden_sizes": [16, *widths], "embedding_size": 16, "layer_type": "basic"}
        config = getattr(transformers, f"RTDetr{version}Config")(
            backbone_config=transformers.RTDetrResNetConfig(out_indices=[2, 3, 4], **backbone),
            encoder_in_channels=widths,
            encoder_hidden_dim=32,
            encoder_ffn_dim=64,
            d_model=32,
            decoder_in_channels=[32] * 3,
            decoder_ffn_dim=64,
            decoder_layers=2,
            decoder_attention_heads=4,
            num_queries=20,
        )
        detector = getattr(transformers, f"RTDetr{version}ForObjectDetection")(config)
        detector = as_trained(detector)
        pixels = image((128, 192))
        expected = detector(pixels)

        params = {"width": 32, "hidden": 64, "expand": config.hidden_expansion, "projection": []}
        plugged: Any = fpngraph.plug("rtdetr", {8: 32, 16: 32, 32: 32}, params=params).double().eval()
        carried = fpngraph.load_from(
            plugged.neck,
            detector.state_dict(),
            "transformers.RTDetrHybridEncoder",
            prefix="model.encoder.",
            config=config,
        )
        theirs, given = detector.model.encoder, [torch.randn(2, 32, 16 >> k, 24 >> k).double() for k in range(3)]
        assert_same(plugged(given), theirs(list(given)).last_hidden_state)
        detector.model.encoder = Encoder(plugged, BaseModelOutput)
        found = detector(pixels)

    assert carried.missing == ()
    for name in ("logits", "pred_boxes", "enc_outputs_class", "last_hidden_state"):
        assert_same(getattr(found, name), getattr(expected, name))


# detectron2


@pytest.mark.parametrize("norm", ["", "GN"])
@torch.no_grad()
def test_detectron2s_retinanet(norm: str) -> None:
    with library("detectron2", hint="put a checkout of it on PYTHONPATH; 'make test-hosts' runs this"):
        import detectron2
        from detectron2.config import get_cfg
        from detectron2.modeling import build_model

        config = get_cfg()
        root = Path(detectron2.__file__).parents[1]
        config.merge_from_file(str(root / "configs/COCO-Detection/retinanet_R_50_FPN_1x.yaml"))
        small = ["MODEL.RESNETS.DEPTH", 18, "MODEL.RESNETS.RES2_OUT_CHANNELS", 64, "MODEL.FPN.NORM", norm]
        config.merge_from_list([*small, "MODEL.WEIGHTS", "", "MODEL.DEVICE", "cpu"])
        detector: Any = as_trained(build_model(config))
        maps = detector.backbone(image(SIZES[0]))
        expected = maps, detector.head(list(maps.values()))

    names = {f"p{level}": f"P{level}" for level in range(3, 8)}
    have = {8: ("res3", 128), 16: ("res4", 256), 32: ("res5", 512)}
    normed = {"lateral": {"when": "always", "norm": True}, "smooth": ["conv", "norm"], "norm": "group_norm"}
    params = normed if norm else None
    plugged: Any = fpngraph.plug("retinanet_fpn", have, outputs=names, params=params).double().eval()
    fpngraph.load_from(plugged.neck, detector.state_dict(), "detectron2.FPN", prefix="backbone.", config=config)

    maps = plugged(detector.backbone.bottom_up(image(SIZES[0])))
    assert_same((maps, detector.head(list(maps.values()))), expected)
