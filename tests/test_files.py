"""The path that may be meant by one that leads nowhere, and files that are written whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from fpngraph.files import did_you_mean, near, replace_file

NEAR = {
    "a letter too few": ("my_nek.yaml", "my_neck.yaml"),
    "the other ending of YAML": ("my_neck.yml", "my_neck.yaml"),
    "an ending with a slip": ("best.ckp", "best.ckpt"),
    "other capitals": ("My_Neck.yaml", "my_neck.yaml"),
    "a folder": ("fotos", "photos"),
    "in a folder": ("photos/catt.jpg", "photos/cat.jpg"),
    "a folder before a name": ("fotos/cat.jpg", "photos/cat.jpg"),
    "of another kind": ("my_neck.json", None),
    "nothing but the ending alike": ("other.yaml", None),
    "a folder and a name": ("fotos/catt.jpg", None),
    "in no folder": ("elsewhere/within/cat.jpg", None),
    "a name that is too long": ("x" * 300, None),
    "no name": ("", None),
}


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a few files, in which one is."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for name in ("my_neck.yaml", "my_neck.svg", "best.ckpt", "photos/cat.jpg"):
        Path(name).touch()


@pytest.mark.parametrize(("path", "meant"), NEAR.values(), ids=NEAR)
def test_a_path_that_exists_may_be_meant_by_one_that_does_not(path: str, meant: str | None) -> None:
    assert near(path) == meant


def test_of_two_endings_the_same_one_is_meant() -> None:
    Path("my_neck.yml").touch()

    assert (near("my_nek.yml"), near("my_nek.yaml")) == ("my_neck.yml", "my_neck.yaml")


def test_a_path_that_leads_somewhere_has_no_hint() -> None:
    Path("my_nek.yaml").symlink_to("gone")

    assert did_you_mean("my_nek.yaml") is None
    assert did_you_mean("my_nec.yaml") == "did you mean 'my_neck.yaml'?"


def test_a_name_may_be_as_long_as_any() -> None:
    replace_file("x" * 255, b"content")

    assert Path("x" * 255).read_bytes() == b"content"


def test_a_folder_that_cannot_be_read_gives_no_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)

    assert near("my_nek.yaml") is None
