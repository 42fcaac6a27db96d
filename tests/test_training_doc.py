"""docs/training.md: its commands run one after the other on a tiny set, and its Python prints what it says."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fpngraph.cli.main import main
from fpngraph.training import read_coco
from tests.pages import DOCS

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Lightning warns of much
PAGE = (DOCS / "training.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(console|python|text|yaml)\n(.*?)```\n", PAGE, re.S)


def scenes(folder: Path) -> None:
    """The files that the page names."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: it has the digits")
    from tools.canvases import write

    write(folder, train=24, val=8)
    (folder / "bad").mkdir()
    data = json.loads((folder / "train.json").read_text(encoding="utf-8"))
    data["images"], data["annotations"] = data["images"][:2], data["annotations"][:2]
    for annotation in data["annotations"]:
        annotation["image_id"] = 1
    data["annotations"][1]["bbox"] = [90, 4, 60, 20]
    (folder / "bad.json").write_text(json.dumps(data), encoding="utf-8")
    (folder / "bad/00001.png").write_bytes((folder / "train/00001.png").read_bytes())
    (folder / "my.yaml").write_text(next(text for kind, text in BLOCKS if kind == "yaml"), encoding="utf-8")


def test_the_file_of_annotations_that_is_shown_is_one(tmp_path: Path) -> None:
    shown = re.findall(r"```json\n(.*?)```", PAGE, re.S)[0]
    (tmp_path / "train.json").write_text(shown, encoding="utf-8")
    Image.new("RGB", (128, 128)).save(tmp_path / "00001.png")

    (example,) = read_coco(tmp_path, tmp_path / "train.json").examples

    assert example.boxes == ((40, 30, 100, 80),)


def matches(said: str, printed: str) -> bool:
    """Whether a text is what a page shows, in which ``...`` stands for anything."""
    return re.fullmatch(re.escape(said.strip()).replace(r"\.\.\.", "(?s:.*)"), printed.strip()) is not None


def test_the_page_says_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes(tmp_path)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}
    expected = ""
    for kind, text in BLOCKS:
        if kind == "console":
            command, _, said = text.removeprefix("$ fpngraph ").partition("\n")
            main(shlex.split(command))
            output = capsys.readouterr()
            assert matches(said, output.err if said.startswith("fpngraph ") else output.out), (output, said)
        elif kind == "python" and "from ray" not in text:  # which tests/hosts/test_ray.py runs
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(text, "docs/training.md", "exec"), namespace)
            expected = printed.getvalue()
        elif kind == "text":
            assert text == expected
