from __future__ import annotations

import ast
from pathlib import Path

import pytest

import fpngraph

ROOM = Path(fpngraph.__file__).parent / "drawing"
ORDER = ("layout", "picture", "formats", "text", "files", "watch")
MODULES = sorted(path for path in ROOM.rglob("*.py") if path != ROOM / "__init__.py")


def rank(name: str) -> int:
    return ORDER.index(name.split(".")[2])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOM)))
def test_a_room_imports_only_from_those_before_it(path: Path) -> None:
    home = ".".join(path.relative_to(ROOM.parent.parent).with_suffix("").parts)

    found = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("fpngraph.drawing")
        for alias in node.names
    }

    assert {name for name in found if rank(name) > rank(home)} == set()
