from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fpngraph.drawing import watch
from fpngraph.drawing.picture.theme import Theme
from fpngraph.drawing.watch import saves, show_problems

PROBLEMS = "my.yaml:3:5: node '<b>&' reads 'C9'\n  3 |     b: [C9]\t\x1b[31m\n    |         ^^"


class Clock:
    """Time that passes only while something sleeps; what is due by then happens."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, Callable[[], object]]] = []

    def at(self, time: float, action: Callable[[], object]) -> None:
        self._due.append((time, action))

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for time, action in [due for due in self._due if due[0] <= self.now]:
            self._due.remove((time, action))
            action()
        if self.now > 60:
            raise KeyboardInterrupt


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(watch.time, "sleep", clock.sleep)
    return clock


def times(path: Path, clock: Clock, *others: Path) -> list[int]:
    """Whole seconds at which there was something to draw."""
    found = []
    try:
        for _ in saves(lambda: [path, *others]):
            found.append(int(clock.now))
    except KeyboardInterrupt:
        return found
    return found


def replaced(path: Path, text: str) -> None:
    other = path.with_suffix(".new")
    other.write_text(text, encoding="utf-8")
    other.replace(path)


def test_there_is_something_to_draw_at_once_and_after_every_save(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("a", encoding="utf-8")
    clock.at(5.0, lambda: path.write_text("bb", encoding="utf-8"))
    clock.at(10.0, lambda: replaced(path, "cc"))
    clock.at(15.0, path.unlink)
    clock.at(20.0, lambda: path.write_text("dd", encoding="utf-8"))

    assert times(path, clock) == [0, 5, 10, 15, 20]


def test_every_file_counts(tmp_path: Path, clock: Clock) -> None:
    path, other = tmp_path / "my.yaml", tmp_path / "used.yaml"
    path.write_text("a", encoding="utf-8")
    clock.at(5.0, lambda: other.write_text("b", encoding="utf-8"))
    clock.at(10.0, lambda: path.write_text("aa", encoding="utf-8"))
    clock.at(15.0, other.unlink)

    assert times(path, clock, other) == [0, 5, 10, 15]


def test_a_file_that_is_still_being_written_is_left_alone(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("a", encoding="utf-8")
    for step in range(40):
        clock.at(5.0 + step * watch.PAUSE_S / 2, lambda step=step: path.write_text("b" * (step + 2), encoding="utf-8"))

    assert times(path, clock) == [0, 7]


def test_an_svg_shows_the_problems_line_by_line(tmp_path: Path) -> None:
    show_problems(str(tmp_path / "out.svg"), ".svg", "my.yaml", PROBLEMS, "auto")

    root = ET.fromstring((tmp_path / "out.svg").read_text(encoding="utf-8"))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [
        "my.yaml",
        "my.yaml:3:5: node '<b>&' reads 'C9'",
        "  3 |     b: [C9]       \ufffd[31m",
        "    |         ^^",
    ]
    assert "monospace" in root.attrib["font-family"]


@pytest.mark.parametrize("ending", [".svg", ".html"])
def test_a_file_may_have_a_name_that_is_no_text(tmp_path: Path, ending: str) -> None:
    output = tmp_path / f"out{ending}"

    show_problems(str(output), ending, "caf\udce9\x1b.yaml", PROBLEMS, "auto")

    assert "<title>caf\ufffd\ufffd.yaml has errors</title>" in output.read_text(encoding="utf-8")


def test_an_html_shows_the_problems_as_they_are(tmp_path: Path) -> None:
    class Texts(HTMLParser):
        found = ""

        def handle_data(self, data: str) -> None:
            self.found += data

    show_problems(str(tmp_path / "out.html"), ".html", "my.yaml", PROBLEMS, "dark")

    page = Texts()
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    page.feed(text)
    assert PROBLEMS.replace("\x1b", "\ufffd") in page.found
    assert "<title>my.yaml has errors</title>" in text


@pytest.mark.parametrize(
    ("theme", "colours"),
    [("light", ["#ffffff"]), ("dark", ["#0d1117"]), ("auto", ["#ffffff", "#0d1117"])],
)
def test_the_problems_have_the_colours_of_the_picture(tmp_path: Path, theme: Theme, colours: list[str]) -> None:
    show_problems(str(tmp_path / "out.svg"), ".svg", "my.yaml", PROBLEMS, theme)

    text = (tmp_path / "out.svg").read_text(encoding="utf-8")
    assert [colour for colour in ("#ffffff", "#0d1117") if colour in text] == colours


def test_a_format_without_text_keeps_its_last_picture(tmp_path: Path) -> None:
    (tmp_path / "out.png").write_bytes(b"old")

    show_problems(str(tmp_path / "out.png"), ".png", "my.yaml", PROBLEMS, "auto")

    assert (tmp_path / "out.png").read_bytes() == b"old"
