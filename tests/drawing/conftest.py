"""A browser for each module that asks for one, and the page of a small graph in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from fpngraph.drawing.formats import html
from tests.drawing.browser import Page, chromium
from tests.drawing.two_sweeps import scene


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "graph.html"
    file.write_text(html.write(scene()), encoding="utf-8")
    return file


@pytest.fixture
def page(driver: Chrome, path: Path) -> Page:
    return Page(driver, path)
