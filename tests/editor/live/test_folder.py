"""The files of a folder as the page has them, while others change them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fpngraph.editor.live.folder import Folder


def test_what_nobody_may_look_at_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("my.yaml", "closed/other.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    stat = os.stat

    def denied(path: Any, *more: Any, **named: Any) -> os.stat_result:
        if Path(path).parent.name == "closed":  # a folder that can be read but not searched
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return stat(path, *more, **named)

    monkeypatch.setattr(os, "stat", denied)

    assert Folder(tmp_path).names() == ["my.yaml"]


def test_a_file_that_becomes_a_folder_is_gone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "my.yaml").touch()
    assert folder.stamp("my.yaml")

    (tmp_path / "my.yaml").unlink()
    (tmp_path / "my.yaml").mkdir()

    assert folder.stamp("my.yaml") == ""
