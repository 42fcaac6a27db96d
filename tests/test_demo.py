"""The demo makes one page that holds everything, and marks the places that respond most."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image

import fpngraph
from fpngraph.analysis.report import report
from tools import demo
from tools.demo_page import Page, Shown

VOID = {"meta", "img"}


class Tags(HTMLParser):
    """What is open, what was wrong, and every text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [] if tag in VOID else [tag]
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def page(**changes: object) -> Page:
    graph = fpngraph.load("bifpn", repeats=1)
    parts = {
        "graph": "A <neck> & more",
        "svg": "<svg></svg>",
        "photographs": [Shown("P3", "64 x 64 x 64", b"jpeg")],
        "report": report(graph, [40, 112, 320], (512, 512)),
        "notes": ["One.", "Two."],
        "commands": {"fpngraph new bifpn -o my.yaml": "a file"},
    }
    return Page(**(parts | changes))  # type: ignore[arg-type]


def test_the_page_is_whole_and_needs_no_other_file() -> None:
    tags = Tags(page().html())

    assert (tags.wrong, tags.open) == ([], [])
    assert tags.links == ["data:image/jpeg;base64,anBlZw=="]
    assert {"A <neck> & more on one photograph", "One. Two.", "fpngraph new bifpn -o my.yaml", "a file"} <= {
        *tags.texts
    }


def test_its_table_has_every_node_and_the_totals() -> None:
    found = page()

    texts = Tags(found.html()).texts

    assert {row["node"] for row in found.report["nodes"]} <= {*texts}
    assert "coarse.P6, coarse.P7 (nearest*2)" in texts
    assert {f"{found.report['parameters']:,}", f"{found.report['macs']:,}"} <= {*texts}


def test_the_tenth_of_places_that_respond_most_is_coloured() -> None:
    x = torch.zeros(3, 10, 10)
    x[1, 2, :] = -5.0  # as far from zero as the others, on the other side
    grey = Image.new("RGB", (100, 100), (100, 100, 100))

    pixels = np.asarray(demo._responses(grey, x)).astype(int)

    coloured = pixels[:, :, 0] > pixels[:, :, 2] + 50
    assert coloured[20:30].all()
    assert coloured.sum() == 1000


@pytest.mark.slow
def test_the_demo_writes_all_of_it_and_says_what_to_try_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    create = timm.create_model
    monkeypatch.setattr(demo, "_reachable", lambda address: True)
    monkeypatch.setattr(demo, "RUNS", 1)
    monkeypatch.setattr(timm, "create_model", lambda name, **options: create(name, **options | {"pretrained": False}))
    threads = torch.get_num_threads()

    demo.main(tmp_path / "demo")

    torch.set_num_threads(threads)
    names = ["P3.jpg", "P4.jpg", "P5.jpg", "P6.jpg", "P7.jpg", "bifpn.explicit.yaml", "bifpn.svg", "index.html"]
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == names
    tags = Tags((tmp_path / "demo" / "index.html").read_text(encoding="utf-8"))
    assert (tags.wrong, len(tags.links)) == ([], 5)
    printed = capsys.readouterr().out.partition("\nNext:\n")[2]
    assert re.findall(r"fpngraph (\w+)", printed) == ["new", "render", "bench"]
