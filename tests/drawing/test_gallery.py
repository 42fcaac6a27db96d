from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from fpngraph.cli.main import main
from fpngraph.drawing.formats import png
from fpngraph.drawing.picture.theme import Theme
from fpngraph.library import shipped
from tests.drawing.pixels import assert_alike, opened
from tools import gallery

NAMES = [picture.name for picture in gallery.PICTURES]
# The palette of a reference takes up to 7, another version of resvg or another processor a little more.
TOLERANCE = 20.0


@pytest.fixture(scope="module")
def drawn() -> dict[Path, str]:
    return dict(gallery.files())


def test_every_shipped_graph_has_a_picture() -> None:
    assert {picture.graph for picture in gallery.PICTURES} == set(shipped())


def test_the_gallery_is_what_the_code_draws(drawn: dict[Path, str]) -> None:
    stale = [path.name for path, text in drawn.items() if not path.exists() or path.read_bytes() != text.encode()]

    assert stale == [], "run 'make gallery' and look at the pictures"


def test_the_gallery_has_no_other_files(drawn: dict[Path, str]) -> None:
    references = {f"{name}.{theme}.png" for name in NAMES for theme in ("light", "dark")}

    assert set(gallery.FOLDER.iterdir()) == set(drawn)
    assert {path.name for path in gallery.REFERENCES.iterdir()} == references


def test_the_page_shows_every_picture(drawn: dict[Path, str]) -> None:
    page = drawn[gallery.FOLDER / "README.md"]

    assert [line.rpartition("(")[2] for line in page.splitlines() if line.startswith("![")] == [
        f"{name}.svg)" for name in NAMES
    ]


@pytest.mark.parametrize("picture", gallery.PICTURES, ids=NAMES)
def test_the_command_beside_a_picture_draws_it(
    picture: gallery.Picture, drawn: dict[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program, *arguments = picture.command().split()

    status = main(arguments)

    assert (program, status) == ("fpngraph", 0)
    assert Path(f"{picture.name}.svg").read_text(encoding="utf-8") == drawn[gallery.FOLDER / f"{picture.name}.svg"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_a_picture_has_the_pixels_of_its_reference(name: str, theme: Theme) -> None:
    reference = Image.open(gallery.REFERENCES / f"{name}.{theme}.png")

    picture = opened(png.write(replace(gallery.scene(name), theme=theme), scale=1.0))

    assert_alike(picture, reference, tolerance=TOLERANCE)


def test_the_references_are_small() -> None:
    assert sum(path.stat().st_size for path in gallery.REFERENCES.iterdir()) < 1_600_000
