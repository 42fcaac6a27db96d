"""A folder of scenes with digits, and a graph to train with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.small import GRAPH
from tests.training.small import SMALL


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: it has the digits")
    from tools.canvases import write

    folder = tmp_path_factory.mktemp("scenes")
    write(folder, **SMALL)
    (folder / "my.yaml").write_text(GRAPH, encoding="utf-8")
    (folder / "names.txt").write_text("zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n")
    return folder


@pytest.fixture
def here(scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with the scenes in it."""
    shutil.copytree(scenes, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"
