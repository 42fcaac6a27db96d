"""The site of ``make docs``: every page has its place, every link leads somewhere, and it needs no network."""

from __future__ import annotations

import importlib.util
import json
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pages import run_page
from tools.docs_site import NOTEBOOK, OUTSIDE, ROOT, BrokenLink, Page, Site, chapters, headings, links, row, shown, site

CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
SOURCES = [*OUTSIDE, *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md")))]
LOADED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=\"?(?:https?:)?//[^>]*>")


def text_of(source: str) -> str:
    return (ROOT / source).read_text(encoding="utf-8")


def words_of(notebook: str) -> str:
    """What a notebook has beside its code."""
    cells = json.loads(text_of(notebook))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def anchors(text: str) -> set[str]:
    return {heading.anchor for heading in headings(text)}


def in_navigation(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            yield from in_navigation(value) if isinstance(value, list) else [value]


@pytest.fixture(scope="module")
def built() -> tuple[dict[str, str], dict[str, str]]:
    """The pages and the files of the site."""
    return site().linked()


@pytest.mark.parametrize("source", [*SOURCES, NOTEBOOK])
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(source: str) -> None:
    text = words_of(source) if source == NOTEBOOK else text_of(source)

    broken = []
    for path, anchor in links(text):
        target = ROOT / posixpath.normpath(posixpath.join(posixpath.dirname(source), path)) if path else ROOT / source
        known = anchors(target.read_text(encoding="utf-8")) if target.suffix == ".md" and target.is_file() else {""}
        if not target.is_file() or not target.is_relative_to(ROOT) or (anchor and anchor not in known):
            broken.append((path, anchor))
    assert broken == []


def test_every_page_is_in_the_navigation_once(built: tuple[dict[str, str], dict[str, str]]) -> None:
    pages, _ = built

    assert sorted(in_navigation(CONFIG["nav"])) == sorted(pages)


def test_every_link_of_the_site_leads_to_a_page_and_a_heading(built: tuple[dict[str, str], dict[str, str]]) -> None:
    pages, files = built

    broken = []
    for page, text in pages.items():
        for path, anchor in links(text):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
            if target not in pages | files or (anchor and anchor not in anchors(pages[target])):
                broken.append((page, path, anchor))
    assert broken == []


def test_files_of_the_site_are_pictures_and_what_pages_link_to(built: tuple[dict[str, str], dict[str, str]]) -> None:
    _, files = built

    assert "gallery/bifpn_d0.svg" in files
    assert files["files/graphs/bifpn.yaml"] == "graphs/bifpn.yaml"
    assert [source for source in files.values() if not (ROOT / source).is_file()] == []


def test_a_chapter_of_the_language_has_a_page_and_no_line_is_lost(built: tuple[dict[str, str], dict[str, str]]) -> None:
    pages, _ = built
    whole = text_of("docs/language.md")

    parts = {path: text for path, text in pages.items() if path.startswith("language/")}
    assert len(parts) == 1 + sum(heading.level == 2 for heading in headings(whole))
    assert sum(len(text.splitlines()) for text in parts.values()) == len(whole.splitlines())
    assert parts["language/stages.md"].startswith("# Stages\n")


def test_links_into_a_page_of_several_chapters_lead_to_the_chapter() -> None:
    whole = "# All\n\n- [B](#blocks)\n\n## A\n\nsee [b](#blocks-1), [a](#blocks)\n\n### Blocks\n\n## B\n\n### Blocks\n"
    parts = {page.path: (page, names) for page, names in chapters("docs/all.md", "all", whole)}
    places = {name: (path, own) for path, (_, names) in parts.items() for name, own in names.items()}
    other = Page("hosts/x.md", "docs/hosts/x.md", "[b](../all.md#blocks-1) [all](../all.md)\n")
    made = Site(
        (*(page for page, _ in parts.values()), other), {"docs/all.md": "all/index.md"}, {"docs/all.md": places}
    )

    linked, _ = made.linked()

    assert linked == {
        "all/index.md": "# All\n\n- [B](a.md#blocks)\n\n",
        "all/a.md": "# A\n\nsee [b](b.md#blocks), [a](#blocks)\n\n## Blocks\n\n",
        "all/b.md": "# B\n\n## Blocks\n",
        "hosts/x.md": "[b](../all/b.md#blocks) [all](../all/index.md)\n",
    }


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("nowhere.md", "docs/a.md: 'nowhere.md' leads to docs/nowhere.md, which is no file of the checkout"),
        ("../../x", "docs/a.md: '../../x' leads to ../x, which is no file of the checkout"),
        ("all.md#no", "docs/a.md: 'all.md#no': there is no such heading in docs/all.md"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused(link: str, message: str) -> None:
    made = Site((Page("a.md", "docs/a.md", f"[a]({link})\n"),), {}, {"docs/all.md": {}})

    with pytest.raises(BrokenLink) as raised:
        made.linked()

    assert str(raised.value) == message


def test_headings_are_called_as_on_github() -> None:
    text = "# After: `load_x`, [now](a.md)\n\n```sh\n# no heading\n```\n\n## Same\n## Same\n### A - b\n"

    assert [heading.anchor for heading in headings(text)] == ["after-load_x-now", "same", "same-1", "a---b"]


def test_links_in_blocks_of_code_and_to_the_web_are_left_alone() -> None:
    assert links("[a](b.md#c) [d](https://e.f/g) `[h](i)`\n```\n[j](k)\n```\n![l](m.svg)\n") == [
        ("b.md", "c"),
        ("m.svg", ""),
    ]


def test_a_bar_in_code_of_a_table_is_shown_as_one() -> None:
    assert row(r"| `a \| b` | c \| d |") == r"| `a | b` | c \| d |"
    assert row(r"`a \| b`") == r"`a \| b`"


def test_an_example_of_a_docstring_is_a_block_of_code() -> None:
    text = "As :meth:`load`.\n\n>>> f(\n...     1\n... )\n2\n\nRaises nothing."

    assert shown(text) == "As `load`.\n\n```pycon\n>>> f(\n...     1\n... )\n2\n```\n\nRaises nothing."


def test_the_first_page_runs() -> None:
    run_page("index.md")


def test_paths_that_contributing_names_exist() -> None:
    named = re.findall(r"`([\w.]+/[\w./]*|[\w]+\.(?:md|toml|yml))`", text_of("CONTRIBUTING.md"))

    assert len(named) > 20
    assert [path for path in named if path != "site/" and not (ROOT / path).exists()] == []


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="no mkdocs: pip install 'fpngraph[docs]'")
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "tools.docs_site"], cwd=ROOT, check=True)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    pages = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")]
    assert len(pages) > len(list(in_navigation(CONFIG["nav"])))
    assert [found for page in pages for found in LOADED.findall(page)] == []
    assert [page for page in pages if 'class="mermaid"' in page] == []  # the theme would fetch a program for it
    assert 'id="fpngraph.load"' in (tmp_path / "api" / "fpngraph.html").read_text(encoding="utf-8")
