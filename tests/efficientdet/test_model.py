"""The detector: effdet's configurations by name, other necks in their place, other classes on a loaded model."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from torch import nn

import fpngraph
from fpngraph.detection import Anchors, Normalization, Suppression
from fpngraph.efficientdet import ConfigError, EfficientDet, create, names
from fpngraph.layers.lean import LeanNode

_MEASURED = Path(__file__).parent / "effdet_models.csv"
MODELS = {row["name"]: row for row in csv.DictReader(_MEASURED.read_text(encoding="utf-8").splitlines()[1:])}
SMALL = {"backbone": "mobilenetv3_small_050", "backbone_args": {}, "head_repeats": 1}
"""Changes to a configuration for a detector that is quick."""


def number(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def small(graph: str | fpngraph.Graph | None = None, **changes: object) -> EfficientDet:
    torch.manual_seed(0)
    params = {"params": {"channels": 16, "repeats": 1}} if graph is None else {}
    return create("efficientdet_d0", graph=graph, **SMALL | params | changes).eval()


def test_the_names_are_effdets() -> None:
    assert names() == list(MODELS)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*feature_location:UserWarning")
@pytest.mark.parametrize("name", MODELS)
def test_every_part_has_as_many_parameters_as_effdets(name: str) -> None:
    with torch.device("meta"):
        model = create(name)

    parts = {"backbone": model.backbone, "neck": model.neck, "class_head": model.class_head, "box_head": model.box_head}
    assert {part: number(module) for part, module in parts.items()} == {
        part: int(MODELS[name][f"params_{part}"]) for part in parts
    }


@pytest.mark.parametrize("size", [(128, 128), (200, 333), (97, 64), (33, 500)], ids=str)
def test_images_of_every_size_are_taken(size: tuple[int, int]) -> None:
    model = small()

    classes, boxes = model(torch.randn(2, 3, *size))

    sizes = [(-(-size[0] // stride), -(-size[1] // stride)) for stride in (8, 16, 32, 64, 128)]
    assert [x.shape for x in classes] == [(2, 9 * 90, *map_size) for map_size in sizes]
    assert [x.shape for x in boxes] == [(2, 9 * 4, *map_size) for map_size in sizes]


def test_any_graph_takes_the_place_of_the_neck() -> None:
    graph = fpngraph.loads(
        """
        fpngraph: 1
        name: three levels, from the second on
        inputs: C(2..4)
        defaults: {channels: 24}
        nodes:
          P(2..4): {inputs: [C(l), P(l+1) | none]}
        outputs: P(2..4)
        """
    )
    model = small(graph)

    classes, _ = model(torch.randn(1, 3, 64, 64))

    assert [tuple(x.shape[-2:]) for x in classes] == [(16, 16), (8, 8), (4, 4)]


def test_a_graph_by_its_name_takes_the_parameters_that_it_declares() -> None:
    model = small("retinanet_fpn", params={"channels": 16, "max": 6})

    assert model.neck.out_channels == {"P3": 16, "P4": 16, "P5": 16, "P6": 16}


def test_scores_start_at_the_prior() -> None:
    model = small()

    classes, _ = model(torch.zeros(1, 3, 128, 128))

    scores = torch.cat([x.flatten() for x in classes]).sigmoid()
    assert 0.009 < scores.median() < 0.011


def test_other_classes_replace_the_class_predictor_alone() -> None:
    model = small()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    model.reset_heads(num_classes=7)

    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert {name.rpartition(".")[0] for name in changed} == {
        "class_head.predict.depthwise",
        "class_head.predict.pointwise",
    }
    assert model.config.num_classes == 7
    assert model(torch.zeros(1, 3, 64, 64)).classes[0].shape[1] == 9 * 7


def test_other_anchors_replace_both_predictors() -> None:
    model = small()

    model.reset_heads(aspect_ratios=[1.0, 2.0], num_scales=2)

    classes, boxes = model(torch.zeros(1, 3, 64, 64))
    assert (classes[0].shape[1], boxes[0].shape[1]) == (4 * 90, 4 * 4)
    assert model.config.aspect_ratios == (1.0, 2.0)


def test_heads_that_stay_as_they_are_keep_their_weights() -> None:
    model = small()
    before = model.class_head.predict

    model.reset_heads(num_classes=90, num_scales=3)

    assert model.class_head.predict is before


def test_a_new_predictor_is_on_the_device_and_in_the_type_of_the_old() -> None:
    model = small().double()

    model.reset_heads(num_classes=3)

    assert {tensor.dtype for tensor in model.class_head.predict.parameters()} == {torch.float64}


def test_reset_heads_changes_nothing_else() -> None:
    with pytest.raises(ConfigError) as caught:
        small().reset_heads(num_classes=3, backbone="resnet18")

    assert str(caught.value) == "reset_heads changes aspect_ratios, num_classes, num_scales, not backbone"


def test_heads_need_one_number_of_channels() -> None:
    graph = fpngraph.loads(
        "{fpngraph: 1, name: uneven, inputs: C(3..4), nodes: {P(3..4): {inputs: [C(l)]}}, outputs: P(3..4)}"
    )

    with pytest.raises(fpngraph.GraphError) as caught:
        small(graph)

    assert str(caught.value) == (
        "graph 'uneven' has outputs of unequal channels, but the heads share convolutions: P3 has 16, P4 has 24 "
        "[channels-unequal]\n"
        "  hint: give the nodes of its outputs one number of channels"
    )


def test_a_model_says_what_detection_needs_of_its_configuration() -> None:
    model = small(
        image_size=(96, 64),
        num_scales=2,
        aspect_ratios=(1.0, (1.4, 0.7)),
        anchor_scale=3.0,
        mean=(0.1, 0.2, 0.3),
        std=(0.4, 0.5, 0.6),
        fill=7,
        max_candidates=50,
        max_detections=5,
        soft_nms=True,
    )

    for form in (model, model.fuse()):
        assert form.image_size == (96, 64)
        assert form.anchors == Anchors(num_scales=2, aspect_ratios=(1.0, (1.4, 0.7)), scale=3.0)
        assert form.normalization == Normalization(mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6), fill=7)
        assert form.suppression == Suppression(max_candidates=50, max_detections=5, iou=0.5, soft=True)


def test_a_lean_detector_has_a_lean_neck_and_the_same_weights() -> None:
    plain, lean = (
        create("efficientdet_d0", backbone="test_efficientnet", backbone_args={}, lean=lean) for lean in (False, True)
    )

    assert any(isinstance(part, LeanNode) for part in lean.neck.modules())
    assert not any(isinstance(part, LeanNode) for part in plain.neck.modules())
    assert list(lean.state_dict()) == list(plain.state_dict())
