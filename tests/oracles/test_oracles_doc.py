"""docs/oracles.md: its example is a comparison that passes, and its versions are those that are installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from tools.oracles import ALONE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "oracles.md").read_text(encoding="utf-8")


def test_the_example_passes() -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)

    exec(compile(code, "docs/oracles.md", "exec"), {})


def versions() -> dict[str, str]:
    """The versions of the libraries that are compared with, where they are fixed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    fixed = map(Requirement, [*ALONE, *project["optional-dependencies"]["oracles"]])
    return {entry.name: str(entry.specifier).removeprefix("==") for entry in fixed}


def test_the_versions_are_those_that_are_installed() -> None:
    installed = versions()

    rows = re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", PAGE, re.M)

    assert len(rows) == 6
    assert {name: installed[name.lower()] for name, _ in rows} == dict(rows)
