"""The pages of the site, out of the files that are read in a checkout: ``docs/``, the README and their like.

Run: ``python -m tools.docs_site`` writes ``build/site``, which ``mkdocs build`` then reads. ``make docs`` does both.

Pages stay as they are but for their links, which lead within the site: what is linked and is no page, such as a graph
file, goes along. The page of the language becomes a page for each chapter, and the notebook is run.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tools.notebook import executed

ROOT = Path(__file__).parents[1]
LANGUAGE, NOTEBOOK, STYLE = "docs/language.md", "docs/first_neck.ipynb", "docs/site.css"
OUTSIDE = {"README.md": "overview.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
RENAMED = OUTSIDE | {"docs/gallery/README.md": "gallery/pictures.md"}  # a README would be the first page of its section

_FENCE = re.compile(r"^ *(```|~~~)")
_HEADING = re.compile(r"(#{1,6}) (.+)")
_CODE = re.compile(r"`+[^`]*`+")
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]*))?(?=\))")


@dataclass(frozen=True)
class Page:
    """A page at ``path`` of the site. Its links are those of the file ``source`` of the checkout."""

    path: str
    source: str
    text: str


class Heading(NamedTuple):
    """``line`` counts from 0; ``anchor`` is what links call it, as GitHub and the site do."""

    line: int
    level: int
    title: str
    anchor: str


class BrokenLink(ValueError):
    """A link of a page leads nowhere."""


def prose(text: str) -> Iterator[tuple[int, str]]:
    """The lines outside of fenced blocks, with their numbers from 0 on."""
    fence = ""
    for number, line in enumerate(text.splitlines()):
        mark = _FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
        elif not fence:
            yield number, line


def headings(text: str) -> list[Heading]:
    """The headings of a page of Markdown."""
    found: list[Heading] = []
    times: Counter[str] = Counter()
    for number, line in prose(text):
        if heading := _HEADING.fullmatch(line):
            shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[2])
            slug = re.sub(r"[^\w\- ]", "", shown.lower()).strip().replace(" ", "-")
            found.append(Heading(number, len(heading[1]), shown, f"{slug}-{times[slug]}" if times[slug] else slug))
            times[slug] += 1
    return found


def links(text: str) -> list[tuple[str, str]]:
    """Where the links and pictures of a page lead that are no addresses of the web: a path and an anchor."""
    lines = (_CODE.sub("", line) for _, line in prose(text))
    return [(link[1], link[2] or "") for line in lines for link in _LINK.finditer(line)]


def row(line: str) -> str:
    r"""A line; ``\|`` in code of a table as ``|``, as GitHub shows it by itself and Python-Markdown does not."""
    return _CODE.sub(lambda code: code[0].replace(r"\|", "|"), line) if line.startswith("|") else line


def chapters(source: str, folder: str, text: str) -> Iterator[tuple[Page, dict[str, str]]]:
    """A page for what stands before the first heading of level 2, and one for each part behind such a heading.

    With each the anchors that its headings have on the whole page, and what they are on this one.
    """
    lines = text.splitlines()
    found = headings(text)
    starts = [heading for heading in found if heading.level <= 2]
    for start, end in zip(starts, [*(heading.line for heading in starts[1:]), len(lines)], strict=True):
        inner = {heading.line: heading for heading in found if start.line <= heading.line < end}
        part = [line[start.level - 1 :] if number in inner else line for number, line in enumerate(lines[:end])]
        own = "\n".join(part[start.line :]) + "\n"
        anchors = {heading.anchor: now.anchor for heading, now in zip(inner.values(), headings(own), strict=True)}
        name = "index" if start.level == 1 else start.anchor
        yield Page(f"{folder}/{name}.md", source, own), anchors


def notebook(path: Path) -> str:
    """A notebook as a page: its cells, and what each prints and shows."""
    parts: list[str] = []
    for cell in executed(path):
        parts.append(f"```python\n{cell.text}\n```" if cell.code else cell.text)
        if cell.printed:
            parts.append(f"```text\n{cell.printed.rstrip()}\n```")
        if cell.picture:
            parts.append(f'<div class="picture">\n{cell.picture.strip()}\n</div>')
    return "\n\n".join(parts) + "\n"


def shown(docstring: str) -> str:
    """A docstring as Markdown: examples that begin with ``>>>`` in a fenced block, and no roles such as ``:meth:``."""
    parts = re.sub(r":[a-z]+:(?=`)", "", docstring).split("\n\n")
    return "\n\n".join(f"```pycon\n{part}\n```" if part.startswith(">>> ") else part for part in parts)


@dataclass(frozen=True)
class Site:
    """Pages, where each file of the checkout is in the site, and, for files of several pages, where each anchor is."""

    pages: tuple[Page, ...]
    places: Mapping[str, str]
    anchors: Mapping[str, Mapping[str, tuple[str, str]]]

    def linked(self) -> tuple[dict[str, str], dict[str, str]]:
        """The pages by path, with links that lead within the site, and the files that they lead to, by path there."""
        files = {"site.css": STYLE}
        return {page.path: self._within(page, files) for page in self.pages}, files

    def _within(self, page: Page, files: dict[str, str]) -> str:
        lines = page.text.splitlines()
        for number, line in prose(page.text):
            lines[number] = _LINK.sub(lambda link: self._link(page, link, files), row(line))
        return "\n".join(lines) + "\n"

    def _link(self, page: Page, link: re.Match[str], files: dict[str, str]) -> str:
        path, anchor = link[1], link[2] or ""
        source = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), path)) if path else page.source
        if source in self.anchors and anchor:
            if anchor not in self.anchors[source]:
                raise BrokenLink(f"{page.source}: {link[0]!r}: there is no such heading in {source}")
            place, anchor = self.anchors[source][anchor]
        elif source in self.places:
            place = self.places[source]
        else:
            if source.startswith("..") or not (ROOT / source).is_file():
                raise BrokenLink(f"{page.source}: {link[0]!r} leads to {source}, which is no file of the checkout")
            place = source.removeprefix("docs/") if source.startswith("docs/") else f"files/{source}"
            files[place] = source
        to = "" if place == page.path and anchor else posixpath.relpath(place, posixpath.dirname(page.path))
        return to + (f"#{anchor}" if anchor else "")


def site() -> Site:
    """The site of this checkout. The notebook is run, which takes seconds."""
    sources = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
    places = {source: source.removeprefix("docs/") for source in sources if source != LANGUAGE} | RENAMED
    pages = [Page(place, source, (ROOT / source).read_text(encoding="utf-8")) for source, place in places.items()]
    pages.append(Page("first_neck.md", NOTEBOOK, notebook(ROOT / NOTEBOOK)))
    anchors: dict[str, tuple[str, str]] = {}
    for chapter, names in chapters(LANGUAGE, "language", (ROOT / LANGUAGE).read_text(encoding="utf-8")):
        pages.append(chapter)
        anchors |= {whole: (chapter.path, own) for whole, own in names.items()}
    places |= {LANGUAGE: "language/index.md", NOTEBOOK: "first_neck.md"}
    return Site(tuple(pages), places, {LANGUAGE: anchors})


def write() -> None:
    """Write all pages and files into ``build/site``, anew."""
    pages, files = site().linked()
    folder = ROOT / "build" / "site"
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in pages.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    for path, source in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, folder / path)


if __name__ == "__main__":
    write()
