"""Drawing again whenever a graph file is saved, and what stands in the picture's place while it has errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from pathlib import Path

from fpngraph.drawing.layout.lettering import writable
from fpngraph.drawing.picture.theme import Theme, shade
from fpngraph.files import replace_file

PAUSE_S = 0.1
"""Between two looks at the file."""
_LETTER, _LINE, _MARGIN = 7.9, 18.0, 24.0  # pixels
_FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def saves(files: Callable[[], Iterable[Path]]) -> Iterator[None]:
    """One step at once and one for every time that one of the files is saved, replaced or removed; ends never.

    Which files it is about is asked anew before every step. A save counts when all have been the same for two looks,
    so that nobody reads what is half written.
    """
    while True:
        paths = [*files()]
        seen = _stamps(paths)
        yield
        now = seen
        while now == seen:
            time.sleep(PAUSE_S)
            now = _stamps(paths)
        while True:
            time.sleep(PAUSE_S)
            if (again := _stamps(paths)) == now:
                break
            now = again


def _stamps(paths: Iterable[Path]) -> list[tuple[int, int, int] | None]:
    return [_stamp(path) for path in paths]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def show_problems(output: str, ending: str, name: str, problems: str, theme: Theme) -> None:
    """Put the problems of the graph file ``name`` in the picture's place, where the format of ``ending`` holds text."""
    page = _PAGES.get(ending)
    if page is not None:
        replace_file(output, writable(page(name, problems, theme)).encode())


def _svg(name: str, problems: str, theme: Theme) -> str:
    lines = [line.expandtabs() for line in problems.split("\n")]
    wide = 2 * _MARGIN + _LETTER * max(len(line) for line in (name, *lines))
    high = 2 * _MARGIN + _LINE * (len(lines) + 1.5)
    before = f'<text class="line" xml:space="preserve" x="{_MARGIN}"'
    texts = [f'{before} y="{_MARGIN + _LINE * (row + 2.5)}">{escape(line)}</text>' for row, line in enumerate(lines)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" width="{wide:.0f}" '
            f'height="{high:.0f}" font-family="{_FONTS}" font-size="13" role="img">',
            f"<title>{escape(name)} has errors</title>",
            f"<style>{_style(theme, '.ground{{fill:{}}}.line{{fill:{}}}.name{{fill:{};font-weight:700}}')}</style>",
            '<rect class="ground" width="100%" height="100%"/>',
            f'<text class="name" x="{_MARGIN}" y="{_MARGIN + _LINE}">{escape(name)}</text>',
            *texts,
            "</svg>",
            "",
        ]
    )


def _html(name: str, problems: str, theme: Theme) -> str:
    rules = "body{{background:{};color:{}}}h1{{color:{}}}"
    return f"""<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>{escape(name)} has errors</title>
<style>body{{margin:24px;font:13px {_FONTS}}}h1{{font-size:1em}}{_style(theme, rules)}</style>
<h1>{escape(name)}</h1>
<pre>{escape(problems)}</pre>
</html>
"""


def _style(theme: Theme, rules: str) -> str:
    """Rules with the colours of ground, text and heading, in both themes or the one asked for."""
    light, dark = zip(*(shade(role) for role in ("ground", "ink", "up")), strict=True)
    if theme == "auto":
        return f"{rules.format(*light)}@media (prefers-color-scheme:dark){{{rules.format(*dark)}}}"
    return rules.format(*(dark if theme == "dark" else light))


_PAGES: Mapping[str, Callable[[str, str, Theme], str]] = {".svg": _svg, ".html": _html}
