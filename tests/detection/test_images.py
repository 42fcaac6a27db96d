"""Images of every kind as red, green and blue, and as a detector's input."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from fpngraph.detection import ImageError, Normalization, open_image
from fpngraph.detection.images import letterbox, to_rgb
from fpngraph.feature import Size

ASTRONAUT = Path(__file__).parents[2] / "tools" / "astronaut.jpg"


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
    normalization = Normalization(mean=(0, 0, 0), std=(1, 1, 1), fill=0)

    inputs, _ = letterbox(Image.new("RGB", image[::-1], "white"), Size(*size), normalization)

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
