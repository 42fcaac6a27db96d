"""The inference form of the detector: the same predictions, with nothing left of its norms."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn

from fpngraph.bench.forms import eager
from fpngraph.detection import Predictions
from fpngraph.efficientdet import EfficientDet, create
from tests.efficientdet.detectors import SMALL
from tests.equality.closeness import assert_equal

TF_BACKBONE = "tf_mobilenetv3_small_minimal_100"


def learned(name: str, **changes: object) -> EfficientDet:
    """A small detector with statistics and weights as after a training, in float64."""
    torch.manual_seed(0)
    small = SMALL | {"params": {"channels": 16, "repeats": 1}, "num_classes": 3}
    model = create(name, **small | changes).double()
    with torch.no_grad():
        for part in model.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_(std=0.2)
                part.running_var.uniform_(0.5, 1.5)
                part.weight.uniform_(0.5, 1.5)
                part.bias.normal_(std=0.2)
        for key, weight in model.neck.named_parameters():
            if key.endswith("fusion.weight"):
                weight.uniform_(-0.3, 1.5)
    return model.eval()


def images(*size: int) -> torch.Tensor:
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0)).double()


def assert_equal_predictions(got: Predictions, expected: Predictions) -> None:
    for field in ("classes", "boxes"):
        for level, (x, y) in enumerate(zip(getattr(got, field), getattr(expected, field), strict=True)):
            assert_equal(x, y, f"{field} of level {level}")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        pytest.param("tf_efficientdet_d0", {"backbone": TF_BACKBONE}, id="padding of TensorFlow"),
        pytest.param("efficientdet_q1", {}, id="bilinear"),
        pytest.param("resdet50", {"backbone": "resnet10t"}, id="full convolutions, norms without activation"),
        pytest.param("cspdarkdet53m", {}, id="other activation in the heads"),
        pytest.param("efficientdet_d0", {"norm": {"group_norm": {"groups": 4}}}, id="norms that do not fold"),
    ],
)
@pytest.mark.parametrize("size", [(64, 96), (97, 65)], ids=str)
def test_the_inference_form_predicts_the_same(name: str, changes: dict[str, object], size: tuple[int, int]) -> None:
    model = learned(name, **changes)
    expected = model(images(*size))

    fused = model.fuse()

    assert_equal_predictions(fused(images(*size)), expected)


def test_for_given_sizes_it_predicts_the_same_bit_by_bit() -> None:
    model = learned("efficientdet_d0")
    straight = model.fuse(image_sizes=[(64, 96)])

    got, expected = straight(images(64, 96)), model.fuse()(images(64, 96))

    assert straight.neck.image_sizes == ((64, 96),)
    assert all(
        torch.equal(x, y) for ours, theirs in zip(got, expected, strict=True) for x, y in zip(ours, theirs, strict=True)
    )


def test_a_backbone_that_cannot_be_followed_runs_as_it_is() -> None:
    model = learned("efficientdet_d0", backbone="pvt_v2_b0")
    expected = model(images(64, 96))

    fused = model.fuse()

    assert_equal_predictions(fused(images(64, 96)), expected)


def test_no_norm_is_left() -> None:
    fused = learned("tf_efficientdet_d0").fuse()

    assert not [part for part in fused.modules() if isinstance(part, nn.BatchNorm2d)]


def test_the_detector_itself_stays_as_it_was() -> None:
    model = learned("tf_efficientdet_d0").train()
    before = copy.deepcopy(model.state_dict())

    model.fuse()

    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_fewer_operators_run() -> None:
    model = learned("tf_efficientdet_d0").float()

    plain, fused = (eager("", form, [images(64, 64).float()]) for form in (_OneImage(model), _OneImage(model.fuse())))

    assert fused.operators is not None
    assert plain.operators is not None
    assert fused.operators < 0.7 * plain.operators


class _OneImage(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, given: list[torch.Tensor]) -> object:
        return self.model(given[0])


def test_in_another_type_images_and_predictions_keep_theirs() -> None:
    model = learned("efficientdet_d0").float()
    image = images(64, 96).float()
    expected = model(image)

    classes, boxes = model.fuse(torch.bfloat16)(image)

    assert {x.dtype for x in (*classes, *boxes)} == {torch.float32}
    assert (classes[0] - expected.classes[0]).abs().max() < 0.1 * expected.classes[0].abs().max()


def test_it_can_be_saved_and_loaded() -> None:
    fused = learned("efficientdet_d0").fuse()
    expected = fused(images(64, 64))
    file = io.BytesIO()

    torch.save(fused, file)

    loaded = torch.load(io.BytesIO(file.getvalue()), weights_only=False)
    assert_equal_predictions(loaded(images(64, 64)), expected)


def test_training_is_refused() -> None:
    fused = learned("efficientdet_d0").fuse()

    with pytest.raises(RuntimeError) as caught:
        fused.train()

    assert str(caught.value) == (
        "a fused detector is for inference only\n  hint: train the detector that it was made from, and fuse that again"
    )
    assert not fused.eval().training
