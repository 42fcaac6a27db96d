from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

import fpngraph
from fpngraph.drawing.formats import html
from fpngraph.drawing.picture.theme import Theme
from tests.drawing.two_sweeps import GRAPH, HOSTILE, INPUTS, RUNS, hostile_scene, scene

VOID = {"meta", "link", "input"}


def picture(page: str) -> ET.Element:
    return ET.fromstring(page[page.index("<svg") : page.index("</svg>") + len("</svg>")])


class Outline(HTMLParser):
    """Reads a page, and fails where an end tag does not close what was opened last."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.references: list[str | None] = []
        self.title = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open == ["html", "head", "title"]:
            self.title += data


def test_a_page_is_one_file_that_refers_to_nothing() -> None:
    page = re.sub("'sha256-[^']*'", "", html.write(scene()))  # whose letters are by chance

    assert Outline(page).references == ["data:,"]
    assert re.findall(r"https?:|//[a-z]|@import|url\(", page.replace("// ", "")) == []


def test_every_element_is_closed_in_its_order() -> None:
    outline = Outline(html.write(scene()))

    assert outline.open == []
    assert [outline.tags.count(tag) for tag in ("html", "head", "body", "svg", "script")] == [1, 1, 1, 1, 1]


def test_every_node_is_a_button_with_a_label_in_the_order_of_the_graph() -> None:
    drawn = scene()

    nodes = picture(html.write(drawn)).findall(".//g[@class='node']")

    assert [node.get("data-node") for node in nodes] == [*INPUTS, *RUNS[0], *RUNS[1]]
    buttons = [(node.get("tabindex"), node.get("role"), node.get("aria-pressed")) for node in nodes]
    assert buttons == [("0", "button", "false")] * 11
    assert [node.get("aria-label") for node in nodes] == [group.tip for group in drawn.groups if group.mark == "node"]


def test_the_picture_tells_its_name_and_description() -> None:
    root = picture(html.write(scene()))

    assert root.get("aria-label") == "Two sweeps: Down and up, twice."
    assert root.get("role") == "group"


def test_texts_of_a_graph_stay_texts() -> None:
    outline = Outline(html.write(hostile_scene()))

    assert outline.title == HOSTILE
    assert outline.tags.count("script") == 1
    assert outline.tags.count("img") == 0


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_the_page_has_the_theme_of_its_scene(theme: Theme) -> None:
    assert f'<html lang="en" data-theme="{theme}">' in html.write(scene(theme))


@pytest.mark.slow
def test_the_same_graph_gives_the_same_bytes_under_every_hash_seed() -> None:
    code = (
        "import fpngraph; from fpngraph.drawing import draw; from fpngraph.drawing.formats import html\n"
        f"print(html.write(draw(fpngraph.loads({GRAPH!r}))))"
    )
    pages = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(fpngraph.__file__).parent.parent,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert pages[0] == pages[1]
