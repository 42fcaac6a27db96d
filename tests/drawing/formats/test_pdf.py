from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pypdfium2
import pytest
from PIL import Image

from fpngraph.drawing import draw
from fpngraph.drawing.formats import pdf, png
from fpngraph.drawing.formats.extras import MissingExtra
from fpngraph.drawing.formats.signs import MissingSign
from fpngraph.drawing.picture.scene import Circle, Group, Paint, Polygon, Rect, Scene, Shape, Text
from fpngraph.drawing.picture.theme import Theme
from fpngraph.library import load
from tests.drawing.pixels import assert_alike, opened
from tools import gallery

TOLERANCE = 38.0  # two programs smooth edges and letters in two ways; a missing label makes 48
POINTS = 0.75  # per pixel
PROGRAM = """
import hashlib
from fpngraph.drawing import draw
from fpngraph.drawing.formats import pdf
from fpngraph.library import load
print(hashlib.sha256(pdf.write(draw(load("fpn")))).hexdigest())
"""


@pytest.fixture(scope="module")
def scene() -> Scene:
    return draw(load("fpn"))


def page(file: bytes) -> pypdfium2.PdfPage:
    document = pypdfium2.PdfDocument(file)
    assert len(document) == 1
    return document[0]


def rendered(file: bytes) -> Image.Image:
    """One pixel per pixel of the scene."""
    return page(file).render(scale=1 / POINTS).to_pil()


def texts(shapes: tuple[Shape, ...]) -> Iterator[str]:
    for shape in shapes:
        if isinstance(shape, Group):
            yield from texts(shape.shapes)
        elif isinstance(shape, Text):
            yield shape.text


def of_text(text: str) -> Scene:
    line = Text(10.0, 50.0, text, 20.0, "ink")
    return Scene(text, "", (Group("title", (line,)),), "auto", (0.0, 0.0, 200.0, 100.0))


@pytest.mark.parametrize("theme", ["auto", "dark"])
@pytest.mark.parametrize("name", [picture.name for picture in gallery.PICTURES])
def test_pdf_and_png_show_the_same(name: str, theme: Theme) -> None:
    scene = replace(gallery.scene(name), theme=theme)

    assert_alike(rendered(pdf.write(scene)), opened(png.write(scene, scale=1.0)), tolerance=TOLERANCE)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(
            Polygon(((20.0, 20.0), (180.0, 40.0), (20.0, 80.0)), Paint(line="up", line_width=8.0)), id="blunt"
        ),
        pytest.param(
            Polygon(((20.0, 20.0), (150.0, 40.0), (20.0, 50.0)), Paint(line="up", line_width=8.0)), id="sharp"
        ),
        pytest.param(Rect(20.0, 20.0, 100.0, 30.0, 40.0, Paint("cell", "up", 4.0, (9.0, 4.0))), id="rounder-than-high"),
        pytest.param(Circle(60.0, 50.0, 30.0, Paint(fill="down")), id="without-line"),
    ],
)
def test_outlines_are_those_of_svg(shape: Shape) -> None:
    scene = Scene("outline", "", (Group("node", (shape,)),), "light", (0.0, 0.0, 200.0, 100.0))

    assert_alike(rendered(pdf.write(scene)), opened(png.write(scene, scale=1.0)), tolerance=TOLERANCE)


def test_the_page_is_as_large_as_the_scene(scene: Scene) -> None:
    left, top, right, bottom = scene.box

    assert page(pdf.write(scene)).get_size() == pytest.approx(((right - left) * POINTS, (bottom - top) * POINTS))


def test_a_scene_larger_than_any_page_is_made_to_fit() -> None:
    scene = replace(of_text("wide"), box=(0.0, 0.0, 28_800.0, 100.0))

    assert page(pdf.write(scene)).get_size() == pytest.approx((14_400.0, 50.0))


def test_text_is_text(scene: Scene) -> None:
    found = page(pdf.write(scene)).get_textpage().get_text_bounded()

    assert sorted(found.split()) == sorted(word for text in texts(scene.groups) for word in text.split())


def test_the_font_is_in_the_file_and_nothing_is_a_bitmap(scene: Scene) -> None:
    file = pdf.write(scene)

    assert file.count(b"/FontFile2") == file.count(b"/Type /FontDescriptor") == 3
    assert b"Helvetica" not in file
    assert b"/Image" not in file.replace(b"/ImageB /ImageC /ImageI", b"")


def test_the_file_knows_its_title_and_nothing_of_when_it_was_made(scene: Scene) -> None:
    found = pypdfium2.PdfDocument(pdf.write(scene)).get_metadata_dict()

    assert (found["Title"], found["Subject"], found["Author"]) == (scene.name, scene.description, "")
    assert found["Creator"] == "fpngraph"
    assert found["CreationDate"] == "D:20000101000000+00'00'"


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_bytes_are_the_same_in_every_process(scene: Scene, seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == sha256(pdf.write(scene)).hexdigest()


def test_letters_with_accents_are_drawn_however_they_are_written() -> None:
    joined, apart = of_text("\u00e9t\u00e9"), of_text("e\u0301te\u0301")

    assert rendered(pdf.write(joined)).tobytes() == rendered(pdf.write(apart)).tobytes()


def test_a_sign_that_the_font_lacks_is_warned_about() -> None:
    with pytest.warns(MissingSign) as caught:
        pdf.write(of_text("☃ and ♞"))

    assert [str(warning.message) for warning in caught] == [
        "the font has no '☃', '♞'; an SVG takes them from the reader's fonts"
    ]


def test_a_missing_package_says_what_installs_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reportlab.pdfbase", None)

    with pytest.raises(MissingExtra) as caught:
        pdf.write(scene)

    assert str(caught.value) == (
        "PDF is written by the package 'reportlab', which is not installed\n  hint: pip install 'fpngraph[pdf]'"
    )
    assert caught.value.name == "reportlab"


def operators(theme: Theme) -> set[bytes]:
    """Those of the page that set colours."""
    file = pdf.write(draw(load("bifpn"), theme=theme))
    (page_stream,) = re.findall(rb"/ASCII85Decode.*?stream\r?\n(.*?)~>\s*endstream", file, re.DOTALL)
    content = zlib.decompress(base64.a85decode(page_stream))
    return set(re.findall(rb" (rg|RG|k|K|g|G)(?=\s)", content))


def test_print_is_in_four_inks() -> None:
    assert operators("print") == {b"k", b"K"}
    assert operators("light") == {b"rg", b"RG"}


def test_every_font_is_embedded() -> None:
    file = pdf.write(draw(load("bifpn")))

    fonts = re.findall(rb"/BaseFont /([^ /]+)", file)
    assert fonts
    assert all(re.fullmatch(rb"[A-Z]{6}\+Inter.*", name) for name in fonts)  # six letters: a part of it is there
    assert file.count(b"/FontFile2") == len(set(fonts))
