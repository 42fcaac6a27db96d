"""From images of Pillow and files to boxes in their pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from fpngraph.detection import Detections, Detector, Original, Suppression
from fpngraph.detection.images import letterbox
from fpngraph.feature import Size
from tests.detection.models import MODELS, SIZE, PlainDetector, efficientdet_model

ASTRONAUT = Path(__file__).parents[2] / "tools" / "astronaut.jpg"


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Any:
    """A detector's model of each kind; in float64, so that no batch size or machine changes the order of scores."""
    torch.manual_seed(0)
    return MODELS[request.param]().double().eval()


def assert_equal(found: Detections, wanted: Detections) -> None:
    assert found.labels.tolist() == wanted.labels.tolist()
    torch.testing.assert_close(found.scores, wanted.scores, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.boxes, wanted.boxes, rtol=1e-4, atol=1e-2)


def test_boxes_of_a_batch_are_in_its_pixels_and_not_cut(model: Any) -> None:
    (found,) = Detector(model)(torch.randn(1, 3, 96, 160).double())

    assert len(found.scores) == 100
    assert found.boxes.amin() < 0


def test_boxes_end_where_the_original_image_does(model: Any) -> None:
    original = Original(Size(300, 400), scale=400 / 128)

    (found,) = Detector(model)(torch.randn(1, 3, *SIZE).double(), [original])

    left, top, right, bottom = found.boxes.unbind(1)
    assert (left.amin(), top.amin(), right.amax(), bottom.amax()) == (0, 0, 400, 300)


def test_images_and_files_are_found_in_alike(model: Any) -> None:
    wide = Image.open(ASTRONAUT).crop((0, 0, 400, 300))

    from_file, from_path, from_image = Detector(model).detect([str(ASTRONAUT), ASTRONAUT, Image.open(ASTRONAUT)])
    (other,) = Detector(model).detect([wide])

    assert_equal(from_path, from_file)
    assert_equal(from_image, from_file)
    assert other.boxes[:, 2].amax() == 400
    assert other.boxes[:, 3].amax() == 300


def test_images_are_found_in_alike_in_batches_of_every_size(model: Any) -> None:
    image = Image.open(ASTRONAUT)
    images = [image, image.crop((100, 0, 300, 500)), image.crop((0, 100, 500, 300))]

    together = Detector(model).detect(images, batch_size=2)

    for found, image in zip(together, images, strict=True):
        assert_equal(found, Detector(model).detect([image])[0])


def test_the_size_of_the_models_input_can_be_another(model: Any) -> None:
    (found,) = Detector(model).detect([ASTRONAUT], image_size=(160, 96))

    inputs, original = letterbox(Image.open(ASTRONAUT), Size(160, 96), model.normalization)
    assert inputs.shape == (3, 160, 96)
    assert_equal(found, Detector(model)(inputs[None].double(), [original])[0])


def test_no_images_have_no_detections(model: Any) -> None:
    assert Detector(model).detect([]) == []


def test_every_part_of_the_model_stays_in_its_mode_and_keeps_its_statistics(model: Any) -> None:
    model.train()
    next(model.children()).eval()
    modes = {name: part.training for name, part in model.named_modules()}
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    (found,) = Detector(model).detect([ASTRONAUT])

    assert {name: part.training for name, part in model.named_modules()} == modes
    assert [name for name, tensor in model.state_dict().items() if not torch.equal(tensor, state[name])] == []
    assert_equal(found, Detector(model.eval()).detect([ASTRONAUT])[0])


def test_the_model_is_in_its_mode_again_after_a_mistake(model: Any) -> None:
    model.train()

    with pytest.raises(RuntimeError):
        Detector(model)(torch.zeros(1, 4, 64, 64))

    assert [name for name, part in model.named_modules() if not part.training] == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_images_are_in_the_models_precision(model: Any, dtype: torch.dtype) -> None:
    (found,) = Detector(model.to(dtype)).detect([ASTRONAUT])

    assert found.boxes.dtype == torch.float32
    assert len(found.scores) == 100


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda detector: detector(torch.zeros(3, 64, 64)),
            ValueError,
            "images has the shape (3, 64, 64), not [batch, 3, height, width]",
        ),
        (
            lambda detector: detector(torch.zeros(1, 3, 64, 64), []),
            ValueError,
            "there are 0 originals for 1 images",
        ),
        (lambda detector: detector.detect("a.jpg"), TypeError, "images is a str, not a list of images or paths"),
    ],
    ids=["no batch", "originals", "one path"],
)
def test_what_are_no_images_is_said(
    model: Any, call: Callable[[Detector], object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        call(Detector(model))

    assert str(caught.value) == text


def test_a_model_of_another_kind_finds_by_anchors_of_its_own() -> None:
    model = PlainDetector(num_classes=1)
    model.suppression = Suppression(max_candidates=10_000, max_detections=10_000, iou=1.0)
    for parameter in model.box_head.parameters():
        nn.init.zeros_(parameter)  # every box is its anchor

    (found,) = Detector(model)(torch.randn(1, 3, *SIZE))

    assert len(found.boxes) == 4 * sum((128 // 2**level) ** 2 for level in range(2, 7))
    left, top, right, bottom = found.boxes.unbind(1)
    shapes = {(round(w, 2), round(h, 2)) for w, h in torch.stack([right - left, bottom - top], 1).tolist()}
    # 8 strides of the level, in 2 sizes per octave; a width of twice the height keeps the area
    sides = [8 * 2 ** (level + octave) for level in range(2, 7) for octave in (0, 0.5)]
    assert shapes == {(round(side * root, 2), round(side / root, 2)) for side in sides for root in (1, 2**0.5)}


def test_images_for_a_model_of_another_kind_are_normalised_as_it_says() -> None:
    seen = []
    model = PlainDetector(num_classes=5)
    model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))

    Detector(model).detect([Image.new("RGB", (64, 32), "white")])

    (images,) = seen
    assert images.shape == (1, 3, *SIZE)
    assert (images[0, :, :64].unique().tolist(), images[0, :, 64:].unique().tolist()) == ([1.0], [-1.0])


def test_a_detector_follows_its_model_to_other_anchors_and_classes() -> None:
    model = efficientdet_model()
    detector = Detector(model)

    model.reset_heads(num_classes=2, num_scales=1)
    (found,) = detector.detect([ASTRONAUT])

    fresh = Detector(model).detect([ASTRONAUT])[0]
    assert_equal(found, fresh)
    assert set(found.labels.tolist()) <= {0, 1}
