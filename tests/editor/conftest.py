from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editor.session import Editor


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files of the editor are."""
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="module")
def editor(folder: Path) -> Iterator[Editor]:
    """An editor with its server."""
    started = Editor(folder=folder, watches=True)
    yield started
    started.end()
