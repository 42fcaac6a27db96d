"""A backbone with a neck on it in detectors and segmenters of transformers: trained, saved, loaded, checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import fpngraph
from fpngraph.adapters import HostError
from fpngraph.layers.lean import LeanNode
from fpngraph.layers.norm import KeptBatchNorm2d
from tests.hosts.tiny_transformers import ATTENTION, RESNET, ROUNDING, RT_DETR, WIDTH, both, boxes, difference, losses

pytestmark = pytest.mark.hosts

FOUR = ["P2", "P3", "P4", "P5"]
NORMED = {"graph": "bifpn", "params": {"channels": WIDTH, "repeats": 1, "min": 2, "max": 6}}
MASKS = {
    "feature_size": WIDTH,
    "mask_feature_size": WIDTH,
    "hidden_dim": WIDTH,
    "encoder_feedforward_dim": WIDTH,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "num_attention_heads": 2,
    "dim_feedforward": WIDTH,
    "num_queries": 8,
    "num_labels": 3,
    "train_num_points": 64,
}


def resnet(*places: int) -> Any:
    return both()[0].ResNetConfig(out_indices=places, **RESNET)


def with_neck(out_features: list[str] | None = None, **settings: Any) -> Any:
    """The configuration of a small ResNet with a BiFPN from P2 to P6, whose graph has batch norms."""
    made = {"backbone_config": resnet(1, 2, 3, 4)} | NORMED | settings
    return both()[1].FPNGraphConfig(out_features=out_features, **made)


def deformable_detr(backbone: Any, **settings: Any) -> Any:
    transformers, _ = both()
    settings = ATTENTION | {"num_feature_levels": 5} | settings
    config = transformers.DeformableDetrConfig(backbone_config=backbone, **settings)
    return transformers.DeformableDetrForObjectDetection(config)


def detr(backbone: Any) -> Any:
    transformers, _ = both()
    return transformers.DetrForObjectDetection(transformers.DetrConfig(backbone_config=backbone, **ATTENTION))


def rt_detr(backbone: Any, **settings: Any) -> Any:
    transformers, _ = both()
    settings = RT_DETR | {"encoder_in_channels": [WIDTH] * 3} | settings
    return transformers.RTDetrForObjectDetection(transformers.RTDetrConfig(backbone_config=backbone, **settings))


def mask2former(backbone: Any) -> Any:
    transformers, _ = both()
    config = transformers.Mask2FormerConfig(backbone_config=backbone, **MASKS)
    return transformers.Mask2FormerForUniversalSegmentation(config)


def maskformer(backbone: Any) -> Any:
    transformers, _ = both()
    decoder = transformers.DetrConfig(backbone_config=resnet(4), **ATTENTION)
    settings = {"fpn_feature_size": WIDTH, "mask_feature_size": WIDTH, "decoder_config": decoder, "num_labels": 3}
    return transformers.MaskFormerForInstanceSegmentation(
        transformers.MaskFormerConfig(backbone_config=backbone, **settings)
    )


def upernet(backbone: Any, **settings: Any) -> Any:
    transformers, _ = both()
    settings = {"hidden_size": 16, "auxiliary_channels": 16, "num_labels": 3} | settings
    config = transformers.UperNetConfig(backbone_config=backbone, **settings)
    return transformers.UperNetForSemanticSegmentation(config)


HOSTS: dict[str, tuple[Callable[[Any], Any], list[str], str]] = {
    "Deformable DETR": (deformable_detr, [*FOUR, "P6"], "boxes"),
    "DETR": (detr, ["P4"], "boxes"),
    "RT-DETR": (rt_detr, ["P3", "P4", "P5"], "boxes"),
    "Mask2Former": (mask2former, FOUR, "masks"),
    "MaskFormer": (maskformer, FOUR, "masks"),
    "UperNet": (upernet, FOUR, "pixels"),
}
FREEZE = {"Deformable DETR", "DETR", "RT-DETR"}


def batch(kind: str, height: int, width: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    images = {"pixel_values": torch.rand(2, 3, height, width, generator=generator)}
    if kind == "boxes":
        return images | {"labels": boxes()}
    masks = torch.rand(2, height, width, generator=generator).round()
    if kind == "masks":
        return images | {"mask_labels": [masks, masks], "class_labels": [torch.tensor([0, 1])] * 2}
    return images | {"labels": torch.randint(0, 3, (2, height, width), generator=generator)}


def of_ours(model: nn.Module) -> Any:
    (found,) = (part for part in model.modules() if isinstance(part, both()[1].FPNGraphBackbone))
    return found


def outputs(model: Any, given: dict[str, Any]) -> list[torch.Tensor]:
    torch.manual_seed(0)
    with torch.no_grad():
        result = model.eval()(given["pixel_values"])
    return [x for name, x in result.items() if name.endswith("logits") and x is not None]


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_learns_with_all_of_the_neck_and_is_the_same_after_saving(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    make, features, kind = HOSTS[name]
    model = make(with_neck(features))
    both()[1].check(model)
    backbone = of_ours(model)
    size = (96, 128) if name == "RT-DETR" else (100, 132)  # its own encoder takes multiples of 32 alone

    fell = losses(model, 8, **batch(kind, *size))
    unused = [key for key, p in backbone.neck.named_parameters() if p.grad is None]
    model.save_pretrained(tmp_path)
    loaded = type(model).from_pretrained(tmp_path)

    assert min(fell) < 0.995 * fell[0]
    assert unused == []
    assert backbone.channels == [WIDTH] * len(features)
    before, after = outputs(model, batch(kind, *size)), outputs(loaded, batch(kind, *size))
    assert before
    assert all(difference(x, y) < ROUNDING for x, y in zip(before, after, strict=True))
    assert list(of_ours(loaded).neck.names) == features


def test_a_lean_neck_is_asked_for_in_the_configuration_and_comes_back_lean(tmp_path: Path) -> None:
    model = upernet(with_neck(FOUR, lean=True))
    model.save_pretrained(tmp_path)

    loaded = type(model).from_pretrained(tmp_path)

    assert [any(isinstance(part, LeanNode) for part in of_ours(made).modules()) for made in (model, loaded)] == [1, 1]


@pytest.mark.parametrize("name", HOSTS)
def test_batch_norms_of_the_neck_stay_and_only_those_of_the_backbone_are_frozen(name: str, tmp_path: Path) -> None:
    make, features, _ = HOSTS[name]
    model = make(with_neck(features))
    model.save_pretrained(tmp_path)

    for made in (model, type(model).from_pretrained(tmp_path)):
        backbone = of_ours(made)
        norms = [part for part in backbone.neck.modules() if isinstance(part, KeptBatchNorm2d)]
        frozen = [part for part in backbone.modules() if "FrozenBatchNorm" in type(part).__name__]
        assert norms
        assert all(torch.equal(norm.weight, torch.ones(WIDTH)) and norm.weight.requires_grad for norm in norms)
        assert bool(frozen) == (name in FREEZE)
        assert not [part for part in backbone.neck.modules() if part in frozen]


@pytest.mark.parametrize("name", ["Deformable DETR", "DETR", "RT-DETR", "Mask2Former"])
def test_attention_in_the_neck_is_loaded_too_though_hosts_rename_theirs(name: str, tmp_path: Path) -> None:
    settings = {"graph": "rtdetr", "params": {"width": WIDTH, "hidden": WIDTH}, "backbone_config": resnet(2, 3, 4)}
    features = ["P5"] if name == "DETR" else ["P3", "P4", "P5"]
    model = HOSTS[name][0](with_neck(features, **settings))
    model.save_pretrained(tmp_path)

    loaded = type(model).from_pretrained(tmp_path).state_dict()

    assert [key for key, x in model.state_dict().items() if not torch.equal(x, loaded[key])] == []


def test_a_neck_that_a_checkpoint_lacks_is_initialised_whoever_loads_it(tmp_path: Path) -> None:
    model = deformable_detr(with_neck())
    state = {name: x for name, x in model.state_dict().items() if ".neck." not in name}
    model.save_pretrained(tmp_path, state_dict=state)

    loaded, report = type(model).from_pretrained(tmp_path, output_loading_info=True)

    kept = loaded.state_dict()
    assert {name.split(".")[4] for name in report["missing_keys"]} == {"neck"}
    assert all(torch.equal(x, kept[name]) for name, x in state.items())
    weights = [x for name, x in of_ours(loaded).neck.named_parameters() if name.endswith("fusion.weight")]
    assert weights
    assert all(torch.equal(x, torch.ones_like(x)) for x in weights)
    assert all(float(x.detach().std()) > 0.01 for x in of_ours(loaded).neck.parameters() if x.dim() == 4)


def test_the_graph_is_cut_down_to_what_is_asked_for() -> None:
    transformers, _ = both()

    whole = transformers.AutoBackbone.from_config(with_neck(graph="fpn", params={"channels": 8}))
    cut = transformers.AutoBackbone.from_config(with_neck(["P3", "P5"], graph="fpn", params={"channels": 8}))
    by_place = transformers.AutoBackbone.from_config(with_neck(out_indices=[1, 3], graph="fpn", params={"channels": 8}))

    assert whole.out_features == ["P2", "P3", "P4", "P5", "P6"]
    assert [name for name, _ in cut.neck.neck.named_children()] == ["M5", "M4", "M3", "P3", "P5"]
    assert (cut.channels, cut.out_strides) == ([8, 8], (8, 32))
    assert by_place.out_features == ["P3", "P5"]
    assert [tuple(x.shape) for x in cut(torch.zeros(1, 3, 100, 132)).feature_maps] == [(1, 8, 13, 17), (1, 8, 4, 5)]
    assert isinstance(cut(torch.zeros(1, 3, 64, 64), return_dict=False), tuple)


def test_a_backbone_of_timm_is_one_too(tmp_path: Path) -> None:
    transformers, adapter = both()
    timm = transformers.TimmBackboneConfig(backbone="test_efficientnet", out_indices=[1, 2, 3, 4])
    model = transformers.AutoBackbone.from_config(with_neck(backbone_config=timm)).eval()

    model.save_pretrained(tmp_path)
    loaded = adapter.FPNGraphBackbone.from_pretrained(tmp_path).eval()

    image = torch.rand(1, 3, 100, 132)
    with torch.no_grad():
        maps, others = model(image).feature_maps, loaded(image).feature_maps
    assert model.out_strides == (4, 8, 16, 32, 64)
    assert all(difference(x, y) < ROUNDING for x, y in zip(maps, others, strict=True))


def test_its_configuration_is_the_same_after_json(tmp_path: Path) -> None:
    transformers, adapter = both()
    graph = fpngraph.load("fpn", channels=8)
    config = with_neck(["P3", "P5"], graph=graph, params=None)

    config.save_pretrained(tmp_path)
    loaded = transformers.AutoConfig.from_pretrained(tmp_path)

    assert isinstance(loaded, adapter.FPNGraphConfig)
    assert loaded.settled() == graph
    assert (loaded.out_features, loaded.out_indices) == (["P3", "P5"], [1, 3])
    assert loaded.backbone_config.out_features == ["stage1", "stage2", "stage3", "stage4"]


HINT = "\n  hint: 'out_features' of FPNGraphConfig chooses among the outputs of the graph"


@pytest.mark.parametrize(
    ("make", "features", "message"),
    [
        pytest.param(
            lambda backbone: deformable_detr(backbone, num_feature_levels=4),
            None,
            "the backbone gives 5 maps (P2, P3, P4, P5, P6) of the strides 4, 8, 16, 32, 64, but 'num_feature_levels' "
            "is 4: at least 5 is required",
            id="Deformable DETR",
        ),
        pytest.param(
            detr,
            ["P4", "P5"],
            "the backbone gives 2 maps (P4, P5) of the strides 16, 32, but this model reads the last alone: one is "
            "required",
            id="DETR",
        ),
        pytest.param(
            mask2former,
            ["P3", "P4", "P5"],
            "the backbone gives 3 maps (P3, P4, P5) of the strides 8, 16, 32, but 'feature_strides' is 4, 8, 16, 32: "
            "those are required",
            id="Mask2Former",
        ),
        pytest.param(
            lambda backbone: upernet(backbone, auxiliary_in_channels=WIDTH),
            ["P2", "P3"],
            "the backbone gives 2 maps (P2, P3) of the strides 4, 8, but the auxiliary head reads the third: at least "
            "3 are required, or 'use_auxiliary_head' False",
            id="UperNet",
        ),
        pytest.param(
            rt_detr,
            ["P2", "P3", "P4"],
            "the backbone gives 3 maps (P2, P3, P4) of the strides 4, 8, 16, but 'feat_strides' is 8, 16, 32: those "
            "are required",
            id="RT-DETR",
        ),
        pytest.param(
            maskformer,
            ["P3"],
            "the backbone gives 1 maps (P3) of the strides 8, but at least 2 are required",
            id="MaskFormer",
        ),
    ],
)
def test_maps_that_a_host_does_not_take_are_told_by_check(
    make: Callable[[Any], Any], features: list[str] | None, message: str
) -> None:
    with pytest.raises((HostError, IndexError)) as caught:
        both()[1].check(make(with_neck(features)))

    assert str(caught.value) == message + HINT


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {"backbone_config": None},
            "the configuration has no 'backbone_config', but that of the backbone is required",
            id="no backbone",
        ),
        pytest.param(
            {"graph": None},
            "the configuration has no 'graph', but the name, path or text of one is required",
            id="none",
        ),
        pytest.param(
            {"graph": "fpm"},
            "there is no graph named 'fpm' [unknown-graph]\n  hint: did you mean 'fpn'? (a path has a separator "
            "or an ending)",
            id="no such graph",
        ),
        pytest.param(
            {"backbone_config": "last"},
            "graph 'BiFPN' takes maps of the strides 4, 8, 16, 32, but the host has 32: 4, 8, 16 is missing "
            "[in-channels]",
            id="one map",
        ),
    ],
)
def test_what_does_not_fit_is_told_when_the_backbone_is_made(settings: dict[str, Any], message: str) -> None:
    if settings.get("backbone_config") == "last":
        settings = {"backbone_config": resnet(4)}
    with pytest.raises((HostError, fpngraph.GraphError)) as caught:
        both()[0].AutoBackbone.from_config(with_neck(**settings))

    assert str(caught.value) == message


def test_a_detr_that_segments_takes_all_maps() -> None:
    transformers, adapter = both()
    wide = ATTENTION | {"d_model": 64, "encoder_attention_heads": 8, "decoder_attention_heads": 8}
    config = transformers.DetrConfig(backbone_config=with_neck(FOUR), **wide)

    adapter.check(transformers.DetrForSegmentation(config))


def test_a_model_without_a_graph_is_told_by_check() -> None:
    with pytest.raises(HostError) as caught:
        both()[1].check(nn.Identity())

    assert str(caught.value) == "the Identity has no FPNGraphBackbone, but one is required"
