"""Pages of the documentation whose examples are run, block after block, each with what it prints."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

DOCS = Path(__file__).parents[1] / "docs"
_BLOCK = re.compile(r"(<!-- host -->\n)?```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.S)


def examples(page: str) -> list[tuple[bool, str, str]]:
    """Of each example whether it makes a detector that the page's test trains, its code, and what it prints."""
    return [(bool(host), code, text) for host, code, text in _BLOCK.findall(page)]


def assert_all_are_examples(page: str) -> None:
    """There is no block of code or text that is no example, or no part of one."""
    found = examples(page)
    texts = [text for _, _, text in found if text]

    assert page.count("\n```python\n") == len(found)
    assert page.count("\n```text\n") == len(texts)
    assert page.count("\n```") == 2 * (len(found) + len(texts))


def printed(code: str, namespace: dict[str, Any], name: str) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, name, "exec"), namespace)
    return output.getvalue()


def run_page(name: str, of_host: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
    """Run the examples of ``docs/<name>`` in order in one namespace, and compare what they print; the namespace.

    ``of_host`` is called with it after each example that makes a detector.
    """
    page = (DOCS / name).read_text(encoding="utf-8")
    assert_all_are_examples(page)
    namespace: dict[str, Any] = {}
    for host, code, text in examples(page):
        torch.manual_seed(0)
        assert printed(code, namespace, f"docs/{name}") == text
        if host and of_host:
            of_host(namespace)
    return namespace
