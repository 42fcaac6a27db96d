"""The codes of problems: one list, all of it in use."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args

from fpngraph.codes import MEANINGS, Code

PACKAGE = Path(__file__).parent.parent / "fpngraph"


def texts_of_the_package() -> set[str]:
    """Every text in the code, but for where codes are listed."""
    return {
        node.value
        for path in PACKAGE.rglob("*.py")
        if path.name != "codes.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_each_code_is_a_few_words_and_has_its_meaning_in_one_sentence() -> None:
    codes = get_args(Code)

    assert list(MEANINGS) == list(codes)
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){1,3}|cycle", code)] == []
    assert [code for code, meaning in MEANINGS.items() if not re.fullmatch(r"[A-Z`].{10,110}\.", meaning)] == []


def test_each_code_is_used() -> None:
    assert set(get_args(Code)) - texts_of_the_package() == set()
