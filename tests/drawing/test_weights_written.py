"""The widths of learned fusion weights in the formats beside SVG."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from selenium.webdriver import Chrome

from fpngraph.drawing import Scene
from fpngraph.drawing.formats import html, pdf, png, svg
from fpngraph.drawing.text import dot, mermaid, terminal
from tests.drawing.browser import Page
from tests.drawing.pixels import opened
from tests.drawing.reading import Picture
from tests.drawing.two_sweeps import weighted, weighted_diagram


def test_dot_and_mermaid_have_the_widths() -> None:
    drawn = weighted_diagram({"cell.0.td4": [0.25, 0.75]})

    text = mermaid.write(drawn)
    assert re.search(r'P4 -> "cell\.0\.td4" .*penwidth="1.525"', dot.write(drawn))
    assert re.search(r"linkStyle 0 stroke:#\w{6},stroke-width:2.03px\n", text)
    assert text.count("stroke-width:4.5px\n") == 1
    places = [place for found in re.findall(r"linkStyle ([\d,]+)", text) for place in found.split(",")]
    assert len(places) == len(set(places))  # Mermaid takes the last style of an edge and forgets the others


@pytest.mark.slow
def test_pixels_and_vectors_have_the_widths() -> None:
    factors = ([0.0, 1.0], [1.0, 0.0])
    scenes = [replace(weighted({"cell.0.td4": pair}), theme="light") for pair in factors]

    found = [[_thickness(picture, scene) for picture in _pictures(scene)] for scene in scenes]

    assert found == [pytest.approx([0.8, 0.8], abs=0.15), pytest.approx([4.5, 4.5], abs=0.15)]


def _pictures(scene: Scene) -> list[Image.Image]:
    """Of the PNG and of the PDF, ten pixels for each of the scene."""
    page = pypdfium2.PdfDocument(pdf.write(scene))[0]
    return [opened(png.write(scene, scale=10)), page.render(scale=10 / 0.75).to_pil()]


def _thickness(picture: Image.Image, scene: Scene) -> float:
    """Of the line from P4 to td4 before it enters the cell, in pixels of the scene."""
    left, top, _, _ = scene.box
    found = Picture(svg.write(scene))
    (line,) = (one for one in found.edges if (one.source, one.target) == ("P4", "cell.0.td4"))
    x, y = line.points[0][0] + 3, line.points[0][1]
    grey = picture.convert("L")
    column = [grey.getpixel((round((x - left) * 10), round((y - top) * 10) + off)) for off in range(-60, 61)]
    return sum(shade < 200 for shade in column) / 10  # type: ignore[operator, misc]  # one channel has one number


def test_a_table_has_the_weights() -> None:
    drawn = weighted_diagram({"cell.0.td4": [0.25, 0.75]}, title=False, legend=False)

    lines = terminal.write(drawn, width=48).splitlines()

    assert any(re.search(r"cell\.0\.td4 +P4 \(0\.25\), ▾P5 \(0\.75\)$", line) for line in lines)
    assert lines[-1] == "in brackets: learned weight"


def test_a_line_that_is_pointed_at_stays_as_much_wider_than_the_others(driver: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "graph.html"
    path.write_text(html.write(weighted({"cell.0.td4": [0.0, 1.0]})), encoding="utf-8")
    page = Page(driver, path)

    page.hover("cell.0.td4")

    lines = [f'.edge[data-from="{source}"][data-to="cell.0.td4"]' for source in ("P4", "P5")]
    assert [page.style(line, "strokeWidth") for line in lines] == ["1.8px", "5.5px"]
    assert "weights: P4 0, P5 1" in page.text("card").splitlines()
