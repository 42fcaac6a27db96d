from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from io import BytesIO

import pytest
import resvg_py
from PIL import Image

from fpngraph.drawing import draw
from fpngraph.drawing.formats import png, svg
from fpngraph.drawing.formats.extras import MissingExtra
from fpngraph.drawing.formats.signs import MissingSign
from fpngraph.drawing.picture.scene import Circle, Group, Paint, Scene, Text
from fpngraph.fonts import FACES
from fpngraph.library import load
from tests.drawing.pixels import difference, opened

PROGRAM = """
import hashlib
from fpngraph.drawing import draw
from fpngraph.drawing.formats import png
from fpngraph.library import load
print(hashlib.sha256(png.write(draw(load("fpn")))).hexdigest())
"""


@pytest.fixture(scope="module")
def scene() -> Scene:
    return draw(load("fpn"))


def of_texts(*texts: Text) -> Scene:
    """A page of 200 x 100 pixels."""
    return Scene("texts", "", (Group("title", texts),), "light", (0.0, 0.0, 200.0, 100.0))


def darkness(image: Image.Image) -> float:
    """Of the whole picture: 0 for white, 1 for black."""
    return 1.0 - sum(level * count for level, count in enumerate(image.convert("L").histogram())) / (
        255 * image.width * image.height
    )


@pytest.mark.parametrize(
    ("scale", "size"), [(0.5, (100, 50)), (1.0, (200, 100)), (1.25, (250, 125)), (2.0, (400, 200)), (3, (600, 300))]
)
def test_a_picture_is_as_large_as_the_page_times_the_scale(scale: float, size: tuple[int, int]) -> None:
    assert opened(png.write(of_texts(), scale=scale)).size == size


def test_a_pixel_of_the_page_is_two_of_the_picture_unless_told_otherwise() -> None:
    assert opened(png.write(of_texts())).size == (400, 200)


def test_a_part_of_a_pixel_at_the_rim_has_the_colour_of_the_page() -> None:
    picture = Image.open(BytesIO(png.write(replace(of_texts(), theme="dark"), scale=1.0037)))

    assert picture.size == (201, 100)
    assert picture.convert("RGBA").getcolors() == [(201 * 100, (0x0D, 0x11, 0x17, 255))]


def test_shapes_lie_where_the_scene_has_them() -> None:
    circle = Circle(50.0, 30.0, 10.0, Paint(fill="down"))
    page = Scene("dot", "", (Group("node", (circle,)),), "light", (-10.0, 0.0, 190.0, 100.0))

    picture = opened(png.write(page, scale=1.0))

    assert picture.getpixel((60, 30)) == (0x0B, 0x6B, 0xB8)
    assert picture.getpixel((48, 30)) == (255, 255, 255)


def test_colours_of_the_readers_choice_are_the_light_ones(scene: Scene) -> None:
    assert scene.theme == "auto"
    assert png.write(scene) == png.write(replace(scene, theme="light"))
    assert opened(png.write(replace(scene, theme="dark"))).getpixel((0, 0)) == (0x0D, 0x11, 0x17)


def test_every_text_is_in_the_picture(scene: Scene) -> None:
    faces = [str(path) for path in FACES.values()]
    bare = re.sub("<text.*?</text>", "", svg.write(replace(scene, theme="light")))
    without = opened(resvg_py.svg_to_bytes(svg_string=bare, skip_system_fonts=True, font_files=faces))
    picture = opened(png.write(scene, scale=1.0))
    texts = [shape for group in scene.groups for shape in group.shapes if isinstance(shape, Text)]
    left, top, *_ = scene.box

    boxes = [(x - left, y - top, right - left, low - top) for x, y, right, low in (text.box() for text in texts)]

    assert len(boxes) > 20
    assert [
        text.text
        for text, box in zip(texts, boxes, strict=True)
        if difference(picture.crop(tuple(map(int, box))), without.crop(tuple(map(int, box)))) < 40
    ] == []


def test_every_weight_has_a_face_of_its_own() -> None:
    pages = [of_texts(Text(10.0, 50.0, "fast_normalized", 20.0, "ink", weight)) for weight in FACES]

    regular, semibold, bold = (darkness(opened(png.write(page))) for page in pages)

    assert 0.01 < regular < semibold * 0.95
    assert semibold < bold * 0.98


def test_fonts_of_the_machine_are_left_alone() -> None:
    snowman, knight = (of_texts(Text(10.0, 50.0, sign, 20.0, "ink")) for sign in "☃♞")

    with pytest.warns(MissingSign) as caught:
        boxes = [png.write(snowman), png.write(knight)]

    assert boxes[0] == boxes[1] != png.write(of_texts())
    assert [str(warning.message) for warning in caught] == [
        "the font has no '☃'; an SVG takes them from the reader's fonts",
        "the font has no '♞'; an SVG takes them from the reader's fonts",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_bytes_are_the_same_in_every_process(scene: Scene, seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == sha256(png.write(scene)).hexdigest()


def test_a_missing_package_says_what_installs_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)

    with pytest.raises(MissingExtra) as caught:
        png.write(scene)

    assert str(caught.value) == (
        "PNG is written by the package 'resvg_py', which is not installed\n  hint: pip install 'fpngraph[png]'"
    )
    assert isinstance(caught.value, ImportError)
    assert caught.value.name == "resvg_py"


@pytest.mark.parametrize(
    ("scale", "text"),
    [
        pytest.param(0.0, "scale is 0.0, a number above 0 is required", id="zero"),
        pytest.param(-2.0, "scale is -2.0, a number above 0 is required", id="negative"),
        pytest.param(float("nan"), "scale is nan, a number above 0 is required", id="no-number"),
        pytest.param(
            100.0,
            "scale is 100.0, which gives 20,000 x 10,000 pixels; at most 70.71 is possible for this picture",
            id="too-large",
        ),
        pytest.param(
            1e200,
            f"scale is 1e+200, which gives {200 * 1e200:,.0f} x {100 * 1e200:,.0f} pixels; "
            "at most 70.71 is possible for this picture",
            id="beyond-all-squares",
        ),
        pytest.param(
            0.009, "scale is 0.009, which gives no whole pixel; at least one each way is required", id="too-small"
        ),
        pytest.param(
            float("inf"),
            "scale is inf, which gives inf x inf pixels; at most 70.71 is possible for this picture",
            id="without-end",
        ),
    ],
)
def test_a_scale_that_gives_no_picture_is_refused(scale: float, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        png.write(of_texts(), scale=scale)

    assert str(caught.value) == text
