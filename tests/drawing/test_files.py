from __future__ import annotations

import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fpngraph
from fpngraph.drawing import Scene, draw, files
from fpngraph.drawing.files import render
from fpngraph.drawing.formats import svg
from fpngraph.drawing.picture.diagram import Look, diagram
from fpngraph.drawing.text import terminal
from fpngraph.files import replace_file


@pytest.fixture
def graph() -> fpngraph.Graph:
    return fpngraph.load("fpn")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("out.svg", b"<svg xmlns="),
        ("out.SVG", b"<svg xmlns="),
        ("out.png", b"\x89PNG\r\n"),
        ("out.pdf", b"%PDF-"),
        ("out.html", b"<!DOCTYPE html>"),
        ("out.mmd", b'---\ntitle: "FPN"\n---\nflowchart LR\n'),
        ("out.dot", b'digraph "FPN" {\n'),
    ],
)
def test_the_ending_says_the_format(graph: fpngraph.Graph, tmp_path: Path, name: str, start: bytes) -> None:
    render(graph, tmp_path / name)

    assert (tmp_path / name).read_bytes()[: len(start)].lower() == start.lower()
    assert names(tmp_path) == [name]


@pytest.mark.filterwarnings("ignore:the font has no:UserWarning")
@pytest.mark.parametrize("ending", files.WRITERS)
def test_no_text_is_too_odd_for_a_file(graph: fpngraph.Graph, tmp_path: Path, ending: str) -> None:
    odd = replace(graph, name="a\udce9\x1b", description="b\udce9\x1b")

    render(odd, tmp_path / f"out{ending}")
    render(graph, tmp_path / f"titled{ending}", title="c\udce9\x1b")

    if ending not in (".png", ".pdf"):
        texts = [(tmp_path / f"{name}{ending}").read_text(encoding="utf-8") for name in ("out", "titled")]
        assert ["a\ufffd" in texts[0], "c\ufffd" in texts[1], "\x1b" in "".join(texts)] == [True, True, False]


def test_a_name_cannot_give_orders_to_a_terminal(graph: fpngraph.Graph) -> None:
    assert "\x1b" not in str(render(replace(graph, name="a\x1b[2J")))


def test_options_reach_the_picture(graph: fpngraph.Graph, tmp_path: Path) -> None:
    options: dict[str, Any] = {"theme": "dark", "labels": "ids", "title": "mine", "legend": False, "expand": True}
    options |= {"in_channels": [256, 512, 1024, 2048], "image_size": 512}

    render(graph, tmp_path / "out.svg", **options)

    assert (tmp_path / "out.svg").read_text(encoding="utf-8") == svg.write(draw(graph, **options))


def test_the_scale_is_that_of_the_pixels(graph: fpngraph.Graph, tmp_path: Path) -> None:
    render(graph, tmp_path / "one.png", scale=1)
    render(graph, tmp_path / "three.png", scale=3)

    one, three = (int.from_bytes((tmp_path / f"{name}.png").read_bytes()[16:20]) for name in ("one", "three"))
    assert three == 3 * one


@pytest.mark.parametrize("name", [None, *(f"out{ending}" for ending in files.WRITERS if ending != ".png")])
def test_a_scale_that_a_format_has_not_is_refused(graph: fpngraph.Graph, tmp_path: Path, name: str | None) -> None:
    with pytest.raises(ValueError) as caught:
        render(graph, None if name is None else tmp_path / name, scale=3)

    assert str(caught.value) == "a scale of 3 is given; only .png has one"
    assert names(tmp_path) == []


def test_without_a_path_it_is_text(graph: fpngraph.Graph) -> None:
    text = fpngraph.render(graph, title=False)

    assert text == terminal.write(diagram(graph, Look(title=False)))


def test_a_neck_brings_its_graph_and_channels(tmp_path: Path) -> None:
    neck = fpngraph.build(fpngraph.load("fpn"), in_channels=[8, 16, 24, 32])

    fpngraph.render(neck, tmp_path / "out.svg", image_size=64)

    wanted = svg.write(draw(neck.source_graph, in_channels=[8, 16, 24, 32], image_size=64))
    assert (tmp_path / "out.svg").read_text(encoding="utf-8") == wanted


def test_graphs_and_necks_show_themselves_in_notebooks(graph: fpngraph.Graph) -> None:
    neck = fpngraph.build(graph, in_channels=[8, 16, 24, 32])

    assert graph._repr_svg_() == svg.write(draw(graph))
    assert neck._repr_svg_() == svg.write(draw(graph, in_channels=[8, 16, 24, 32]))


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        pytest.param(
            "out.jpg",
            ValueError,
            "'out.jpg' has the ending '.jpg', which says no format"
            "\n  hint: did you mean '.png'? There are: .svg, .png, .pdf, .html, .mmd, .dot",
            id="another ending",
        ),
        pytest.param(
            "out",
            ValueError,
            "'out' has no ending, which says no format\n  hint: there are: .svg, .png, .pdf, .html, .mmd, .dot",
            id="no ending",
        ),
        pytest.param("folder.svg", IsADirectoryError, "[Errno 21] Is a directory: 'folder.svg'", id="a folder"),
        pytest.param(
            "none/out.svg",
            FileNotFoundError,
            "[Errno 2] there is no such folder: 'none'",
            id="a folder that is not there",
        ),
        pytest.param("pipe.svg", OSError, "[Errno 22] is no regular file: 'pipe.svg'", id="a pipe"),
    ],
)
def test_a_path_that_cannot_be_written_says_why(
    graph: fpngraph.Graph, workshop: Path, name: str, error: type[Exception], text: str
) -> None:
    (workshop / "folder.svg").mkdir()
    os.mkfifo(workshop / "pipe.svg")

    with pytest.raises(error) as caught:
        render(graph, name)

    assert str(caught.value) == text
    assert names(workshop) == ["folder.svg", "pipe.svg"]


@pytest.mark.parametrize("place", ["old.svg", "new.svg"], ids=["the file", "its folder"])
def test_what_may_not_be_written_is_not_replaced(
    graph: fpngraph.Graph, workshop: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (workshop / "old.svg").write_text("old", encoding="utf-8")
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)  # root may write everywhere

    with pytest.raises(PermissionError) as caught:
        render(graph, place)

    assert str(caught.value) == f"[Errno 13] Permission denied: '{place}'"
    assert (workshop / "old.svg").read_text(encoding="utf-8") == "old"


def test_something_else_cannot_be_drawn() -> None:
    with pytest.raises(TypeError) as caught:
        render("fpn", "out.svg")  # type: ignore[arg-type]

    assert str(caught.value).startswith("a str cannot be drawn, a graph or a neck is required\n  hint: fpngraph.load(")


@pytest.mark.parametrize("rows", [0, "2", 1.5])
def test_rows_are_counted(rows: object) -> None:
    with pytest.raises(ValueError, match=f"rows is {rows!r}, a whole number from 1 on is required"):
        render(fpngraph.load("fpn"), "out.svg", rows=rows)  # type: ignore[arg-type]


def no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


def no_picture(scene: Scene, scale: float) -> bytes:
    raise ValueError("too large")


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        pytest.param(
            (Path, "replace", no_space), "[Errno 28] No space left on device: 'out.svg'", id="at the last step"
        ),
        pytest.param((shutil, "copymode", no_space), "[Errno 28] No space left on device: 'out.svg'", id="halfway"),
        pytest.param((files, "WRITERS", {".svg": no_picture}), "too large", id="while it is drawn"),
    ],
)
def test_a_file_stays_as_it_was_where_anything_fails(
    graph: fpngraph.Graph, workshop: Path, monkeypatch: pytest.MonkeyPatch, broken: tuple[Any, str, Any], text: str
) -> None:
    (workshop / "out.svg").write_text("old", encoding="utf-8")
    monkeypatch.setattr(*broken)

    with pytest.raises((OSError, ValueError)) as caught:
        render(graph, "out.svg")

    assert str(caught.value) == text
    assert names(workshop) == ["out.svg"]
    assert (workshop / "out.svg").read_text(encoding="utf-8") == "old"


def test_a_link_stays_a_link_and_a_mode_a_mode(workshop: Path) -> None:
    (workshop / "real.svg").write_text("old", encoding="utf-8")
    (workshop / "real.svg").chmod(0o640)
    (workshop / "link.svg").symlink_to("real.svg")

    replace_file("link.svg", b"new")

    assert (workshop / "link.svg").is_symlink()
    assert (workshop / "real.svg").read_bytes() == b"new"
    assert stat.S_IMODE((workshop / "real.svg").stat().st_mode) == 0o640
