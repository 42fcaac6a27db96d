"""From images of Pillow and files to boxes in their pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from effdet.data.transforms import ResizePad, resolve_fill_color
from PIL import Image

from fpngraph.detection.images import letterbox, to_rgb
from fpngraph.efficientdet import Detections, Detector, EfficientDet, ImageError, Original, config, open_image
from fpngraph.feature import Size
from tests.efficientdet.test_model import small

ASTRONAUT = Path(__file__).parents[2] / "tools" / "astronaut.jpg"
SIZE = (128, 128)


@pytest.fixture
def model() -> EfficientDet:
    """With scores that differ from place to place."""
    model = small(num_classes=5, image_size=SIZE)
    for parameter in model.class_head.predict.parameters():
        torch.nn.init.normal_(parameter, std=2.0)
    return model


def assert_equal(found: Detections, wanted: Detections) -> None:
    assert found.labels.tolist() == wanted.labels.tolist()
    torch.testing.assert_close(found.scores, wanted.scores, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.boxes, wanted.boxes, rtol=1e-4, atol=1e-2)


def test_boxes_of_a_batch_are_in_its_pixels_and_not_cut(model: EfficientDet) -> None:
    (found,) = Detector(model)(torch.randn(1, 3, 96, 160))

    assert len(found.scores) == 100
    assert found.boxes.amin() < 0


def test_boxes_end_where_the_original_image_does(model: EfficientDet) -> None:
    original = Original(Size(300, 400), scale=400 / 128)

    (found,) = Detector(model)(torch.randn(1, 3, *SIZE), [original])

    left, top, right, bottom = found.boxes.unbind(1)
    assert (left.amin(), top.amin(), right.amax(), bottom.amax()) == (0, 0, 400, 300)


def test_images_and_files_are_found_in_alike(model: EfficientDet) -> None:
    wide = Image.open(ASTRONAUT).crop((0, 0, 400, 300))

    from_file, from_path, from_image = Detector(model).detect([str(ASTRONAUT), ASTRONAUT, Image.open(ASTRONAUT)])
    (other,) = Detector(model).detect([wide])

    assert_equal(from_path, from_file)
    assert_equal(from_image, from_file)
    assert other.boxes[:, 2].amax() == 400
    assert other.boxes[:, 3].amax() == 300


def test_images_are_found_in_alike_in_batches_of_every_size(model: EfficientDet) -> None:
    image = Image.open(ASTRONAUT)
    images = [image, image.crop((100, 0, 300, 500)), image.crop((0, 100, 500, 300))]

    together = Detector(model).detect(images, batch_size=2)

    for found, image in zip(together, images, strict=True):
        assert_equal(found, Detector(model).detect([image])[0])


def test_the_size_of_the_models_input_can_be_another(model: EfficientDet) -> None:
    (found,) = Detector(model).detect([ASTRONAUT], image_size=(160, 96))

    inputs, original = letterbox(Image.open(ASTRONAUT), Size(160, 96), model.config)
    assert inputs.shape == (3, 160, 96)
    assert_equal(found, Detector(model)(inputs[None], [original])[0])


def test_no_images_have_no_detections(model: EfficientDet) -> None:
    assert Detector(model).detect([]) == []


def test_every_part_of_the_model_stays_in_its_mode_and_keeps_its_statistics(model: EfficientDet) -> None:
    model.train()
    model.backbone.eval()
    modes = {name: part.training for name, part in model.named_modules()}
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    (found,) = Detector(model).detect([ASTRONAUT])

    assert {name: part.training for name, part in model.named_modules()} == modes
    assert [name for name, tensor in model.state_dict().items() if not torch.equal(tensor, state[name])] == []
    assert_equal(found, Detector(model.eval()).detect([ASTRONAUT])[0])


def test_the_model_is_in_its_mode_again_after_a_mistake(model: EfficientDet) -> None:
    model.train()

    with pytest.raises(RuntimeError):
        Detector(model)(torch.zeros(1, 4, 64, 64))

    assert model.training
    assert model.neck.training


def test_images_are_in_the_models_precision(model: EfficientDet) -> None:
    (found,) = Detector(model.double()).detect([ASTRONAUT])

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
    model: EfficientDet, call: Callable[[Detector], object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        call(Detector(model))

    assert str(caught.value) == text


@pytest.mark.parametrize("name", ["efficientdet_d0", "tf_efficientdet_d0_ap", "tf_efficientdet_lite0"])
@pytest.mark.parametrize("size", [(128, 128), (100, 171), (160, 32)], ids=str)
@pytest.mark.parametrize("crop", [(0, 0, 512, 512), (0, 0, 301, 200), (3, 4, 99, 400)], ids=str)
def test_inputs_are_effdets(name: str, size: tuple[int, int], crop: tuple[int, int, int, int]) -> None:
    image, own = Image.open(ASTRONAUT).crop(crop), config(name)
    padded, notes = ResizePad(size, fill_color=resolve_fill_color(own.fill, own.mean))(image, {})
    mean, std = (torch.tensor([255 * value for value in values])[:, None, None] for values in (own.mean, own.std))

    inputs, original = letterbox(image, Size(*size), own)

    assert torch.equal(inputs, torch.from_numpy(np.array(padded)).permute(2, 0, 1).float().sub(mean).div(std))
    assert original.size == (image.height, image.width)
    assert original.scale == pytest.approx(notes["img_scale"], rel=1e-15)


@pytest.mark.parametrize(
    ("image", "size", "content"),
    [
        ((64, 103), (512, 512), (318, 512)),
        ((1000, 1), (64, 64), (64, 1)),
        ((1, 1000), (64, 64), (1, 64)),
        ((1, 1), (64, 96), (64, 64)),
    ],
    ids=["the longer side fits whole", "narrower than a pixel", "lower than a pixel", "one pixel"],
)
def test_an_image_fills_its_input_where_effdet_leaves_a_row_or_fails(
    image: tuple[int, int], size: tuple[int, int], content: tuple[int, int]
) -> None:
    own = config("efficientdet_d0", mean=(0, 0, 0), std=(1, 1, 1), fill=0)

    inputs, _ = letterbox(Image.new("RGB", image[::-1], "white"), Size(*size), own)

    white = (inputs == 1).all(0)
    assert (int(white.any(1).sum()), int(white.any(0).sum())) == content


def test_files_are_turned_as_their_exif_data_say(tmp_path: Path) -> None:
    image = Image.new("RGB", (30, 20), "red")
    exif = image.getexif()
    exif[0x0112] = 6  # the orientation of a phone held upright
    image.save(tmp_path / "turned.jpg", exif=exif)

    assert open_image(tmp_path / "turned.jpg").size == (20, 30)


GREY = (128, 128, 128)
KINDS: dict[str, tuple[Image.Image, tuple[int, int, int]]] = {
    "bits": (Image.new("1", (2, 2), 1), (255, 255, 255)),
    "grey": (Image.new("L", (2, 2), 128), GREY),
    "grey and alpha": (Image.new("LA", (2, 2), (0, 0)), (255, 255, 255)),
    "alpha": (Image.new("RGBA", (2, 2), (0, 0, 0, 127)), GREY),
    "grey and alpha, multiplied": (Image.new("LA", (2, 2), (0, 127)).convert("La"), GREY),
    "alpha, multiplied": (Image.new("RGBA", (2, 2), (0, 0, 0, 127)).convert("RGBa"), GREY),
    "palette": (Image.new("RGB", (2, 2), GREY).convert("P", palette=Image.Palette.ADAPTIVE), GREY),
    "inks": (Image.new("CMYK", (2, 2), (0, 0, 0, 127)), GREY),
    "16 bits": (Image.new("I;16", (2, 2), 128 * 257), GREY),
    "32 bits with values of 16": (Image.new("I", (2, 2), 128 * 257), GREY),
    "0 to 1": (Image.new("F", (2, 2), 0.503), GREY),
    "0 to 255": (Image.new("F", (2, 2), 128.4), GREY),
}


@pytest.mark.parametrize(("image", "colour"), KINDS.values(), ids=KINDS)
def test_images_of_every_kind_become_red_green_and_blue(image: Image.Image, colour: tuple[int, int, int]) -> None:
    found = to_rgb(image)

    assert found.mode == "RGB"
    assert found.getpixel((0, 0)) == pytest.approx(colour, abs=1)


def test_the_first_frame_of_an_animation_counts(tmp_path: Path) -> None:
    red, blue = (Image.new("RGB", (4, 4), colour) for colour in ("red", "blue"))
    red.save(tmp_path / "both.gif", save_all=True, append_images=[blue])

    assert open_image(tmp_path / "both.gif").getpixel((0, 0)) == (255, 0, 0)


BROKEN = {
    "text": (b"no image", "this is no image, or of a kind that Pillow cannot read"),
    "empty": (b"", "this is no image, or of a kind that Pillow cannot read"),
    "truncated": (
        ASTRONAUT.read_bytes()[:5000],
        "the image is broken: image file is truncated (48 bytes not processed)",
    ),
}


@pytest.mark.parametrize(("content", "text"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "wrong.jpg").write_bytes(content)

    with pytest.raises(ImageError) as caught:
        open_image(tmp_path / "wrong.jpg")

    assert str(caught.value) == text


def test_an_image_of_very_many_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.new("1", (20, 10)).save(tmp_path / "large.png")
    Image.new("1", (20, 11)).save(tmp_path / "larger.png")

    assert open_image(tmp_path / "large.png").size == (20, 10)
    with pytest.raises(ImageError) as caught:
        open_image(tmp_path / "larger.png")
    assert str(caught.value) == "the image has more than 200 pixels"


def test_a_file_that_is_not_there_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_image(tmp_path / "none.jpg")
