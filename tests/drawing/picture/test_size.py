from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
from PIL import Image

from fpngraph import Graph, load, loads, render
from fpngraph.drawing import draw
from fpngraph.drawing.files import WRITERS
from fpngraph.drawing.formats import pdf, png
from fpngraph.drawing.formats.svg import write
from fpngraph.drawing.picture.diagram import Look, diagram
from fpngraph.drawing.picture.scene import Circle, Group
from fpngraph.drawing.picture.scene import texts as every_text
from fpngraph.drawing.picture.size import length_px
from fpngraph.library import shipped
from tests.drawing.accepted import assert_clear_of_nodes, texts
from tests.drawing.graphs import DENSE
from tests.drawing.reading import Picture
from tests.drawing.told import (
    assert_no_two_edges_end_as_one,
    assert_texts_beside_nodes_are_clear,
    assert_texts_on_edges_are_clear,
    ink,
)

NARROW = "3.4in"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1in", 96.0), ("2.54 cm", 96.0), ("25.4mm", 96.0), ("72pt", 96.0), ("96PX", 96.0), (".5in", 48.0)],
)
def test_a_width_is_a_number_with_a_unit(text: str, expected: float) -> None:
    assert length_px(text) == pytest.approx(expected)


NO_WIDTHS = ["", "3.4", "in", "0in", "-1in", "3,4in", "3.4ft", "1e3in", "nan in", "9999999in", 3.4]


@pytest.mark.parametrize("text", NO_WIDTHS)
def test_what_is_no_width_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{text!r} is no width; a number above 0 with a unit is required")):
        Look(width=text)


def test_the_formats_on_paper_have_the_width() -> None:
    scene = draw(load("bifpn", repeats=1), width=NARROW)

    page = pypdfium2.PdfDocument(pdf.write(scene))[0]
    image = Image.open(BytesIO(png.write(scene, scale=3)))
    root = Picture(write(scene)).root
    assert page.get_width() == pytest.approx(3.4 * 72, abs=0.1)
    assert image.width == pytest.approx(3.4 * 96 * 3, abs=3)
    assert float(root.attrib["width"]) == pytest.approx(3.4 * 96, abs=0.01)
    wide, high = map(float, root.attrib["viewBox"].split()[2:])
    assert float(root.attrib["height"]) / float(root.attrib["width"]) == pytest.approx(high / wide, rel=1e-3)


DENSER = ("afpn", "gfpn", "m2det", "qufpn")  # many rows are tried


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in DENSER else ()) for name in shipped()]
)
@pytest.mark.parametrize("direction", ["right", "up"])
def test_a_narrow_picture_can_be_read_or_is_refused(name: str, direction: str) -> None:
    try:
        scene = draw(load(name), width=NARROW, direction=direction)  # type: ignore[arg-type]  # of a table
    except ValueError as error:
        found = re.search(r"text has (\d\.\d) pt, at least 5 pt .*\n.* needs ([\d.]+)in", str(error))
        assert found
        assert float(found[1]) < 5.0
        draw(load(name), width=f"{found[2]}in", direction=direction)  # type: ignore[arg-type]  # of a table
        return
    picture = Picture(write(scene))
    assert min(text.size for text in every_text(scene.groups)) * scene.zoom * 0.75 >= 5.0
    left, top, right, bottom = scene.box
    boxes = [ink(text) for text in every_text(scene.groups)]
    assert all(left < box[0] and top < box[1] and box[2] < right and box[3] < bottom for box in boxes)
    assert_clear_of_nodes(picture)
    assert_texts_beside_nodes_are_clear(scene, picture)
    assert_texts_on_edges_are_clear(scene, picture)
    assert_no_two_edges_end_as_one(picture)


def test_columns_move_together_only_where_they_have_to() -> None:
    def pitch(width: str | None) -> float:
        one, other = (Picture(write(draw(load("panet"), width=width))).columns()[number][0].x for number in (1, 2))
        return other - one

    assert pitch(None) == pitch("5in")
    assert pitch(NARROW) == pitch(None) - 24


@pytest.mark.parametrize("ending", [".html", ".mmd", ".dot"])
def test_a_format_that_has_no_width_refuses_one(ending: str) -> None:
    with pytest.raises(ValueError, match=re.escape("a width of 3.4in is given; only .svg, .png and .pdf have one")):
        WRITERS[ending](diagram(load("fpn"), Look(width=NARROW)), 1.0)


def test_text_for_a_terminal_refuses_a_width() -> None:
    with pytest.raises(ValueError, match=re.escape("a width of 3.4in is given")):
        render(load("fpn"), width=NARROW)


def widths(graph: Graph, **look: object) -> list[str]:
    return [text.text for text in texts(draw(graph, **look), "labels") if text.text.endswith("ch")]  # type: ignore[arg-type]


@pytest.mark.parametrize("direction", ["right", "up"])
def test_outputs_tell_their_channels_where_those_of_the_inputs_are_known(direction: str) -> None:
    graph = loads(DENSE)

    assert widths(graph, in_channels=(8, 16, 32, 64), direction=direction) == ["48ch", "96ch", "96ch", "96ch"]
    assert widths(graph, direction=direction) == []


def test_a_legend_beside_the_picture_has_a_sign_a_line() -> None:
    scene = draw(load("panet"), legend="beside")

    legend = texts(scene, "legend")
    right = max(node.x + node.half for node in Picture(write(scene)).nodes.values())
    assert len({text.y for text in legend}) == len(legend)
    assert len({text.x for text in legend}) == 1
    assert legend[0].x > right
    assert (
        texts(draw(load("panet"), legend="none"), "legend") == texts(draw(load("panet"), legend=False), "legend") == []
    )


def test_cells_have_the_headings_that_they_are_given() -> None:
    def headings(repeats: int, **look: object) -> list[str]:
        scene = draw(load("bifpn", repeats=repeats), cells={"bifpn": "BiFPN cell"}, **look)  # type: ignore[arg-type]
        return [text.text for text in texts(scene, "cell")]

    assert headings(2) == ["BiFPN cell 1", "BiFPN cell 2"]
    assert headings(1) == ["BiFPN cell"]
    assert headings(4) == ["BiFPN cell", "\N{MULTIPLICATION SIGN}4"]


def test_a_heading_for_a_stage_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"cells has 'bifp', which is no stage of graph 'BiFPN'\n  hint: .*'bifpn'"):
        draw(load("bifpn"), cells={"bifp": "BiFPN"})


def test_a_heading_without_a_text_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^cells has ' ' for stage 'bifpn'; a text is required$"):
        draw(load("bifpn"), cells={"bifpn": " "})


def test_letters_on_nodes_lie_over_them() -> None:
    marks = [group.mark for group in draw(loads(DENSE)).groups]

    assert marks.index("badges") > max(place for place, mark in enumerate(marks) if mark == "node")
    (badges,) = (group for group in draw(loads(DENSE)).groups if group.mark == "badges")
    assert all(isinstance(sign, Group) and isinstance(sign.shapes[0], Circle) for sign in badges.shapes)


@pytest.mark.parametrize(
    ("look", "ways"),
    [
        ({}, "; it may need less with direction='up' (--direction up) and expand=False (--collapse)"),
        ({"expand": False}, "; it may need less with direction='up' (--direction up)"),
        ({"direction": "up", "legend": "beside"}, " expand=False (--collapse) and legend='below' (--legend below)"),
        ({"direction": "up", "expand": False}, "in"),
    ],
)
def test_what_is_chosen_already_is_not_said_to_make_a_picture_narrower(look: dict[str, Any], ways: str) -> None:
    with pytest.raises(ValueError, match="at least 5 pt are required") as caught:
        write(draw(load("bifpn"), width="0.5in", **look))

    assert str(caught.value).endswith(ways)
